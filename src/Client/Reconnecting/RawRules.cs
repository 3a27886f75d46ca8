using Weir.Client.Events;

namespace Weir.Client.Reconnecting;

/// <summary>After which ends a client of raw rooms reconnects.</summary>
internal static class RawRules
{
    /// <summary>The token is missing, invalid or has expired.</summary>
    public const int Unauthorized = 4401;

    /// <summary>The token is valid, but does not permit the request.</summary>
    private const int Forbidden = 4403;

    public static bool MayReturn(ConnectionEnd end, bool canRenewToken, bool hasConnected) => end.Kind switch
    {
        EndKind.ClosedByServer => MayReturn(end.CloseCode, canRenewToken),
        EndKind.Refused => HttpRules.MayReturn(end.HttpStatus, canRenewToken, hasConnected),
        EndKind.ClosedByClient or EndKind.NoToken or EndKind.Rejected => false,
        // A certificate may be replaced, a token server may recover: the failure may be temporary.
        _ => true,
    };

    public static bool TokenIsBad(ConnectionEnd end)
        => end is { Kind: EndKind.ClosedByServer, CloseCode: Unauthorized } or { Kind: EndKind.Refused, HttpStatus: 401 };

    // RFC 6455, section 7.4.1. After 1009 the client reconnects: the message that was too big is not repeated, and a slow consumer
    // may be faster.
    private static bool MayReturn(int code, bool canRenewToken) => code switch
    {
        1000 => false, // the application has finished
        1002 or 1003 or 1007 or 1008 or 1010 => false, // the same error would occur again
        Unauthorized => canRenewToken,
        Forbidden or (>= 4500 and <= 4999) => false,
        _ => true,
    };
}
