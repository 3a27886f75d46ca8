using Weir.Closing;
using Weir.Protocol;

namespace Weir.Protocols.Centrifugo.Protocol;

/// <summary>
/// Why a client is disconnected. With codes from 3000 to 3499 and 4000 to 4499 it reconnects, from 3500 to 3999 and 4500 to 4999
/// it does not.
/// </summary>
internal readonly record struct DisconnectReason(CloseCode Code, string Reason, CloseCause Cause)
{
    public static readonly DisconnectReason Shutdown = new((CloseCode)3001, "shutdown", CloseCause.Draining);
    public static readonly DisconnectReason Internal = new((CloseCode)3004, "internal server error", CloseCause.HandlerFailed);
    public static readonly DisconnectReason InternalBroker = Internal with { Cause = CloseCause.BrokerUnavailable };
    public static readonly DisconnectReason Expired = new((CloseCode)3005, "connection expired", CloseCause.TokenExpired);
    public static readonly DisconnectReason Slow = new((CloseCode)3008, "slow", CloseCause.SlowConsumer);
    public static readonly DisconnectReason InsufficientState =
        new((CloseCode)3010, "insufficient state", CloseCause.BrokerUnavailable);
    public static readonly DisconnectReason NoPong = new((CloseCode)3012, "no pong", CloseCause.HeartbeatTimeout);
    public static readonly DisconnectReason TooManyRequests = new((CloseCode)3013, "too many requests", CloseCause.RateLimited);
    public static readonly DisconnectReason InvalidToken = new((CloseCode)3500, "invalid token", CloseCause.AccessDenied);
    public static readonly DisconnectReason BadRequest = new((CloseCode)3501, "bad request", CloseCause.ProtocolError);
    public static readonly DisconnectReason Stale = new((CloseCode)3502, "stale", CloseCause.ConnectTimeout);
    public static readonly DisconnectReason PermissionDenied = new((CloseCode)3507, "permission denied", CloseCause.AccessDenied);
}
