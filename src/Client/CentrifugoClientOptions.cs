namespace Weir.Client;

/// <summary>Settings of a <see cref="CentrifugoClient"/>. Values are read when the client is made.</summary>
public sealed class CentrifugoClientOptions : ClientOptions
{
    /// <summary>
    /// How long a command may be without an answer. Default 5 s; infinite: for as long as the connection lasts. Then a publish is
    /// <see cref="Delivery.Unknown"/>; a subscribe that is not answered ends the connection. Time in which this process did not run does
    /// not count.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public TimeSpan RequestTimeout { get; set => field = Check.Limit(value); } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How much later than announced the server's ping may come before the link counts as dead. Default 10 s, as in the official
    /// clients; infinite: silence is never a reason. The server says how far its pings are apart; if it sends none, dead links are found
    /// only by commands. Whatever comes is life, also while it waits unread in the socket; time in which this process did not run does
    /// not count.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public TimeSpan MaxPingDelay { get; set => field = Check.Limit(value); } = TimeSpan.FromSeconds(10);

    /// <summary>What the client calls itself. Default <c>weir-dotnet</c>.</summary>
    public string Name { get; set; } = "weir-dotnet";

    /// <summary>JSON that goes with the connect command; empty for none.</summary>
    public ReadOnlyMemory<byte> ConnectData { get; set; }

    /// <summary>The most events that wait for <see cref="CentrifugoClient.ReadAllAsync"/>; beyond it the oldest is dropped. Default 1,000.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public int InboxCapacity { get; set => field = Check.Positive(value); } = 1000;
}
