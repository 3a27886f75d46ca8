using Weir.Client.Events;

namespace Weir.Client.Reconnecting;

/// <summary>After which ends a client of the Centrifugo protocol reconnects, as in the official clients.</summary>
internal static class CentrifugoRules
{
    public const int TokenExpired = 109;
    private const int ConnectionExpired = 3005;

    public static bool MayReturn(ConnectionEnd end, bool canRenewToken, bool hasConnected) => end.Kind switch
    {
        // Slow consumers are closed with 3008 here; 1009 means that a message of ours was too big.
        EndKind.ClosedByServer => end.CloseCode is not (1009 or (>= 3500 and <= 3999) or (>= 4500 and <= 4999)),
        EndKind.Refused => HttpRules.MayReturn(end.HttpStatus, canRenewToken, hasConnected),
        EndKind.Rejected => end.ErrorCode == TokenExpired ? canRenewToken : IsTemporary(end.ErrorCode, end.IsTemporary),
        EndKind.ClosedByClient or EndKind.NoToken => false,
        _ => true,
    };

    public static bool TokenIsBad(ConnectionEnd end) => end is
    { Kind: EndKind.Rejected, ErrorCode: TokenExpired } or { Kind: EndKind.ClosedByServer, CloseCode: ConnectionExpired }
        or { Kind: EndKind.Refused, HttpStatus: 401 };

    /// <summary>Whether the same command may succeed later. Codes below 100 are the client's own.</summary>
    public static bool IsTemporary(int code, bool isTemporary) => isTemporary || code < 100;
}
