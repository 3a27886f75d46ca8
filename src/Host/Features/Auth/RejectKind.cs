namespace Weir.Host.Features.Auth;

/// <summary>How an unauthorized WebSocket client is refused.</summary>
internal enum RejectKind
{
    /// <summary>By a close code after the upgrade, which a page can read.</summary>
    Close,

    /// <summary>By an HTTP status instead of the upgrade.</summary>
    Http,
}
