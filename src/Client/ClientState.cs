namespace Weir.Client;

/// <summary>Where a client stands.</summary>
public enum ClientState
{
    /// <summary>Not started.</summary>
    Idle,

    /// <summary>On its way to a connection.</summary>
    Connecting,

    /// <summary>There is one.</summary>
    Connected,

    /// <summary>Waits before it tries again.</summary>
    Waiting,

    /// <summary>It is over.</summary>
    Closed,
}
