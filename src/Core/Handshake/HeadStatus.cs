namespace Weir.Handshake;

/// <summary>What <see cref="RequestHeadReader"/> makes of the bytes that have arrived so far.</summary>
internal enum HeadStatus
{
    /// <summary>It may still become a handshake of ours: more bytes are needed.</summary>
    Incomplete,

    /// <summary>Whatever this is, Kestrel's HTTP pipeline answers it; no byte has been consumed.</summary>
    NotOurs,

    /// <summary>A request for one of our paths has a head over the limit: answer 431.</summary>
    TooLarge,

    /// <summary>The head is there, and asks one of our paths to upgrade to websocket.</summary>
    Complete,
}
