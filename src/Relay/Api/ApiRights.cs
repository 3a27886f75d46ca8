namespace Weir.Relay.Api;

/// <summary>What the holder of a key of the HTTP API may do.</summary>
[Flags]
public enum ApiRights
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary><c>publish</c> and <c>broadcast</c>, to the rooms of the key.</summary>
    Publish = 1,

    /// <summary><c>history</c> of the rooms of the key.</summary>
    History = 1 << 1,

    /// <summary><c>history_remove</c> of the rooms of the key.</summary>
    HistoryRemove = 1 << 2,

    /// <summary><c>presence</c> and <c>presence_stats</c> of the rooms of the key.</summary>
    Presence = 1 << 3,

    /// <summary><c>disconnect</c>, of every user and client: a connection belongs to no single room.</summary>
    Disconnect = 1 << 4,

    /// <summary><c>info</c>, and <c>channels</c> with the rooms of the key.</summary>
    Info = 1 << 5,

    /// <summary>Everything.</summary>
    All = Publish | History | HistoryRemove | Presence | Disconnect | Info,
}
