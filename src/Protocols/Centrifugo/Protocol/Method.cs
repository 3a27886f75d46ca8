namespace Weir.Protocols.Centrifugo.Protocol;

/// <summary>The method of a command.</summary>
internal enum Method
{
    /// <summary>An empty command, which is the answer to a ping.</summary>
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

    /// <summary>A method that the server does not implement.</summary>
    Unknown,

    /// <summary>JSON that is not a command: a field of the wrong type, too deep, or not valid Unicode.</summary>
    Malformed,
}
