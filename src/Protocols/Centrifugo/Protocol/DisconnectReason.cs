using Weir.Protocol;

namespace Weir.Protocols.Centrifugo.Protocol;

/// <summary>
/// Why a client is disconnected. With codes from 3000 to 3499 and 4000 to 4499 it reconnects, from 3500 to 3999 and 4500 to 4999
/// it does not.
/// </summary>
internal readonly record struct DisconnectReason(CloseCode Code, string Reason)
{
    public static readonly DisconnectReason Shutdown = new((CloseCode)3001, "shutdown");
    public static readonly DisconnectReason Internal = new((CloseCode)3004, "internal server error");
    public static readonly DisconnectReason Expired = new((CloseCode)3005, "connection expired");
    public static readonly DisconnectReason Slow = new((CloseCode)3008, "slow");
    public static readonly DisconnectReason InsufficientState = new((CloseCode)3010, "insufficient state");
    public static readonly DisconnectReason NoPong = new((CloseCode)3012, "no pong");
    public static readonly DisconnectReason TooManyRequests = new((CloseCode)3013, "too many requests");
    public static readonly DisconnectReason InvalidToken = new((CloseCode)3500, "invalid token");
    public static readonly DisconnectReason BadRequest = new((CloseCode)3501, "bad request");
    public static readonly DisconnectReason Stale = new((CloseCode)3502, "stale");
    public static readonly DisconnectReason PermissionDenied = new((CloseCode)3507, "permission denied");
}
