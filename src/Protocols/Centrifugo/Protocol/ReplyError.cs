namespace Weir.Protocols.Centrifugo.Protocol;

/// <summary>An error in a reply, with Centrifugo's code.</summary>
/// <param name="Code">100 to 399 belong to the protocol, 400 to 1999 to the application.</param>
/// <param name="Message">A short text for logs.</param>
/// <param name="IsTemporary">Whether the client may retry.</param>
internal sealed record ReplyError(int Code, string Message, bool IsTemporary = false)
{
    public static readonly ReplyError Internal = new(100, "internal server error", IsTemporary: true);
    public static readonly ReplyError UnknownChannel = new(102, "unknown channel");
    public static readonly ReplyError PermissionDenied = new(103, "permission denied");
    public static readonly ReplyError MethodNotFound = new(104, "method not found");
    public static readonly ReplyError AlreadySubscribed = new(105, "already subscribed");
    public static readonly ReplyError LimitExceeded = new(106, "limit exceeded");
    public static readonly ReplyError BadRequest = new(107, "bad request");
    public static readonly ReplyError NotAvailable = new(108, "not available");

    /// <summary>Makes an SDK fetch a new token and reconnect with it.</summary>
    public static readonly ReplyError TokenExpired = new(109, "token expired");

    public static readonly ReplyError Expired = new(110, "expired");
    public static readonly ReplyError TooManyRequests = new(111, "too many requests", IsTemporary: true);
    public static readonly ReplyError Unrecoverable = new(112, "unrecoverable position");
}
