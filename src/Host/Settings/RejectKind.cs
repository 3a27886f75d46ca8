namespace Weir.Host.Settings;

/// <summary>How a WebSocket client is refused that may not come in.</summary>
internal enum RejectKind
{
    /// <summary>By a close code after the upgrade, which a page can read.</summary>
    Close,

    /// <summary>By an HTTP status instead of the upgrade.</summary>
    Http,
}
