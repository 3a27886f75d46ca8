namespace Weir.Client.Events;

/// <summary>An event of a client, in order of occurrence.</summary>
public abstract record ClientEvent
{
    private protected ClientEvent()
    {
    }
}

/// <summary>The client has connected.</summary>
/// <param name="Attempts">The number of attempts since the last connection; 1 if the first succeeded.</param>
public sealed record Connected(int Attempts) : ClientEvent;

/// <summary>The connection ended, or could not be established; the client reconnects.</summary>
/// <param name="End">How it ended.</param>
/// <param name="RetryIn">The delay before the next attempt.</param>
public sealed record Disconnected(ConnectionEnd End, TimeSpan RetryIn) : ClientEvent;

/// <summary>The last event: the client was stopped, or the connection ended for a reason after which it does not reconnect.</summary>
/// <param name="End">The reason.</param>
public sealed record Closed(ConnectionEnd End) : ClientEvent;

/// <summary>A message of a room.</summary>
/// <param name="Message">The message.</param>
public sealed record MessageReceived(RelayMessage Message) : ClientEvent;

/// <summary>
/// A publication of a server-side subscription. After a reconnect, missed publications follow in order, each once, if the channel
/// keeps them; otherwise <see cref="ServerPositionLost"/> precedes.
/// </summary>
/// <param name="Channel">The channel.</param>
/// <param name="Publication">The publication.</param>
public sealed record ServerPublished(string Channel, ClientPublication Publication) : ClientEvent;

/// <summary>
/// Publications of a server-side subscription may be missing at this point: the channel does not keep them, or no longer does, or
/// the application read too slowly.
/// </summary>
/// <param name="Channel">The channel.</param>
public sealed record ServerPositionLost(string Channel) : ClientEvent;

/// <summary>The server has ended a server-side subscription.</summary>
/// <param name="Channel">The channel.</param>
/// <param name="Code">The code; 0 if a new connection came without the subscription.</param>
/// <param name="Reason">The reason.</param>
public sealed record ServerUnsubscribed(string Channel, int Code, string Reason) : ClientEvent;

/// <summary>A message from the server to this connection alone.</summary>
/// <param name="Data">JSON.</param>
public sealed record MessagePushed(ReadOnlyMemory<byte> Data) : ClientEvent;
