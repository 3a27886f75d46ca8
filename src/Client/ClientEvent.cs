namespace Weir.Client;

/// <summary>Something that happened to a client, in its order.</summary>
public abstract record ClientEvent
{
    private protected ClientEvent()
    {
    }
}

/// <summary>There is a connection.</summary>
/// <param name="Attempts">How many attempts it took since the last one; 1 if it succeeded at once.</param>
public sealed record Connected(int Attempts) : ClientEvent;

/// <summary>The connection ended, or could not be made; the client comes back.</summary>
/// <param name="End">How it ended.</param>
/// <param name="RetryIn">After what time the client tries again.</param>
public sealed record Disconnected(ConnectionEnd End, TimeSpan RetryIn) : ClientEvent;

/// <summary>It is over: the client was stopped, or the server has said that coming back is of no use. Nothing follows.</summary>
/// <param name="End">Why.</param>
public sealed record Closed(ConnectionEnd End) : ClientEvent;

/// <summary>A message of a room.</summary>
/// <param name="Message">The message.</param>
public sealed record MessageReceived(RelayMessage Message) : ClientEvent;

/// <summary>
/// A publication of a channel that the server, not the client, has subscribed this connection to. After a connection those that were missed
/// follow in order, if the channel keeps them, each once; else <see cref="ServerPositionLost"/> comes first.
/// </summary>
/// <param name="Channel">The channel.</param>
/// <param name="Publication">The publication.</param>
public sealed record ServerPublished(string Channel, Publication Publication) : ClientEvent;

/// <summary>
/// Publications of a channel that the server has subscribed this connection to may be missing here: they are not kept, or not any more, or
/// this client's user read too slowly.
/// </summary>
/// <param name="Channel">The channel.</param>
public sealed record ServerPositionLost(string Channel) : ClientEvent;

/// <summary>The server has ended its subscription of this connection to a channel.</summary>
/// <param name="Channel">The channel.</param>
/// <param name="Code">Its code; 0 if it was only left out of a new connection.</param>
/// <param name="Reason">Why.</param>
public sealed record ServerUnsubscribed(string Channel, int Code, string Reason) : ClientEvent;

/// <summary>A message from the server to this connection alone.</summary>
/// <param name="Data">JSON.</param>
public sealed record MessagePushed(ReadOnlyMemory<byte> Data) : ClientEvent;
