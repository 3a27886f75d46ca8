namespace Weir.Client.Events;

/// <summary>The state of a client.</summary>
public enum ClientState
{
    /// <summary>Not started.</summary>
    Idle,

    /// <summary>Establishing a connection.</summary>
    Connecting,

    /// <summary>Connected.</summary>
    Connected,

    /// <summary>Waiting before the next attempt.</summary>
    Waiting,

    /// <summary>The client has ended.</summary>
    Closed,
}
