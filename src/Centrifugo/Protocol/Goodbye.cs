namespace Weir.Centrifugo.Protocol;

/// <summary>
/// Why a client is disconnected. From 3000 to 3499 and from 4000 to 4499 it comes back, from 3500 to 3999 and from 4500 to 4999
/// it does not.
/// </summary>
internal readonly record struct Goodbye(CloseCode Code, string Reason)
{
    public static readonly Goodbye Shutdown = new((CloseCode)3001, "shutdown");
    public static readonly Goodbye Internal = new((CloseCode)3004, "internal server error");
    public static readonly Goodbye Expired = new((CloseCode)3005, "connection expired");
    public static readonly Goodbye Slow = new((CloseCode)3008, "slow");
    public static readonly Goodbye InsufficientState = new((CloseCode)3010, "insufficient state");
    public static readonly Goodbye NoPong = new((CloseCode)3012, "no pong");
    public static readonly Goodbye TooManyRequests = new((CloseCode)3013, "too many requests");
    public static readonly Goodbye InvalidToken = new((CloseCode)3500, "invalid token");
    public static readonly Goodbye BadRequest = new((CloseCode)3501, "bad request");
    public static readonly Goodbye Stale = new((CloseCode)3502, "stale");
    public static readonly Goodbye PermissionDenied = new((CloseCode)3507, "permission denied");
}
