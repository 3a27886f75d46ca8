namespace Weir.Brokers.Nats.Wire;

/// <summary>The second byte of every message; the first is the version.</summary>
/// <remarks>Other versions and kinds are ignored, so that nodes of different versions can share an account.</remarks>
internal enum MessageType : byte
{
    /// <summary>Publications of a room without history, or that could not be stored: each with its length.</summary>
    Publications = 1,

    /// <summary>A message of a room's log, see <see cref="Logs.LogRecord"/>, as the server announces it once it is stored.</summary>
    Log = 2,

    /// <summary>A client has joined: its member.</summary>
    Joined = 3,

    /// <summary>A client has left: its member.</summary>
    Left = 4,

    /// <summary>From node to node: the sender's id, then the message.</summary>
    Control = 5,

    /// <summary>A probe: its number.</summary>
    Probe = 6,

    /// <summary>The clients that are present, see <see cref="Presence.PresenceDocument"/>.</summary>
    Presence = 7,

    /// <summary>The id of the current line, see <see cref="Streams.LineReader"/>.</summary>
    Line = 8,
}
