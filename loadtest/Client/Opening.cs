namespace Weir.LoadTest.Client;

/// <summary>All that is needed to open a connection.</summary>
/// <param name="Target">To which server.</param>
/// <param name="Request">The opening handshake, or the bytes to send in its place.</param>
/// <param name="Greeting">Frames sent after the upgrade.</param>
/// <param name="Answers">How many answers to the greeting make the connection an open one.</param>
/// <param name="ReceiveBufferBytes">SO_RCVBUF, for a connection that is to fill up soon; null: the system's own.</param>
internal sealed record Opening(Target Target, byte[] Request, byte[] Greeting, int Answers, int? ReceiveBufferBytes = null);
