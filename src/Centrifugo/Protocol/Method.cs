namespace Weir.Centrifugo.Protocol;

/// <summary>What a command asks for.</summary>
internal enum Method
{
    /// <summary>Nothing: an empty command, which is the answer to a ping.</summary>
    None,

    Connect,
    Subscribe,
    Unsubscribe,
    Publish,
    Presence,
    PresenceStats,
    History,
    Rpc,
    Refresh,
    SubRefresh,
    Send,

    /// <summary>Something that is not known here.</summary>
    Unknown,

    /// <summary>JSON that is no command: a field is of another kind than it should be, too deep, or no Unicode.</summary>
    Malformed,
}
