using Weir.Closing;
using Weir.Connections;
using Weir.Handshake;
using Weir.Protocol;
using Weir.Relay.Access;

namespace Weir.Host.Features.Auth;

/// <summary>
/// Maps access refusals to responses of the handshake: by default a close code, which a page can read, or an HTTP status if
/// configured.
/// </summary>
internal sealed class AccessResponses(IClientAccess access, RejectKind reject)
{
    /// <summary>The close code for a client without valid authentication, or without the required right.</summary>
    public const CloseCode Unauthorized = (CloseCode)4401;

    /// <inheritdoc cref="Unauthorized"/>
    public const CloseCode Forbidden = (CloseCode)4403;

    /// <summary>The reason of an <see cref="Unauthorized"/> close that a new token resolves.</summary>
    public const string Expired = "token expired";

    public IClientAccess Access => access;

    /// <summary>Returns the response to a refused client.</summary>
    public UpgradeDecision Refuse(AccessRefusal why) => (why, reject) switch
    {
        (AccessRefusal.Unavailable, RejectKind.Http) => UpgradeDecision.Refuse(503, "Tokens cannot be verified now."),
        (AccessRefusal.Unavailable, _) => UpgradeDecision.CloseAtOnce(CloseCode.TryAgainLater, "try again later"),
        (AccessRefusal.Denied, RejectKind.Http) => UpgradeDecision.Refuse(403, "Access to one of these rooms is denied."),
        (AccessRefusal.Denied, _) => UpgradeDecision.CloseAtOnce(Forbidden, "forbidden"),
        (AccessRefusal.Expired, RejectKind.Http) => UpgradeDecision.Refuse(401, "The token has expired."),
        (AccessRefusal.Expired, _) => UpgradeDecision.CloseAtOnce(Unauthorized, Expired),
        (_, RejectKind.Http) => UpgradeDecision.Refuse(401, "A valid token is needed."),
        _ => UpgradeDecision.CloseAtOnce(Unauthorized, "unauthorized"),
    };

    /// <summary>Schedules the close of the connection for the end of its client's rights.</summary>
    public static void CloseAt(WeirConnection connection, DateTimeOffset? end)
    {
        if (end is not null)
        {
            connection.CloseAt(end, Unauthorized, Expired, CloseCause.TokenExpired);
        }
    }
}
