namespace Weir.Handshake;

/// <summary>The result of <see cref="RequestHeadReader"/> for the bytes received so far.</summary>
internal enum HeadStatus
{
    /// <summary>It may still become a handshake for an endpoint: more bytes are needed.</summary>
    Incomplete,

    /// <summary>Not a handshake for an endpoint: left to Kestrel's HTTP pipeline; no byte has been consumed.</summary>
    NotOurs,

    /// <summary>A request for an endpoint has a header block over the limit: answer 431.</summary>
    TooLarge,

    /// <summary>The header block is complete, and requests an upgrade to websocket for an endpoint.</summary>
    Complete,
}
