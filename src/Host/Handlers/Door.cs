using Weir.Host.Settings;
using Weir.Relay;

namespace Weir.Host.Handlers;

/// <summary>
/// Puts what is said about access into the words of a handshake: by default a close code, which a page can read, or an HTTP
/// status where that is configured.
/// </summary>
internal sealed class Door(IClientAccess access, RejectKind reject)
{
    /// <summary>Why a connection is closed whose client may not be, or do, what it wants.</summary>
    public const CloseCode Unauthorized = (CloseCode)4401;

    /// <inheritdoc cref="Unauthorized"/>
    public const CloseCode Forbidden = (CloseCode)4403;

    /// <summary>The reason of an <see cref="Unauthorized"/> that a new token mends.</summary>
    public const string Expired = "token expired";

    public IClientAccess Access => access;

    /// <summary>The answer to a client that is refused.</summary>
    public UpgradeDecision Refuse(AccessRefusal why) => (why, reject) switch
    {
        (AccessRefusal.Unavailable, RejectKind.Http) => UpgradeDecision.Refuse(503, "Tokens cannot be judged now."),
        (AccessRefusal.Unavailable, _) => UpgradeDecision.CloseAtOnce(CloseCode.TryAgainLater, "try again later"),
        (AccessRefusal.Denied, RejectKind.Http) => UpgradeDecision.Refuse(403, "Not allowed in a room of these."),
        (AccessRefusal.Denied, _) => UpgradeDecision.CloseAtOnce(Forbidden, "forbidden"),
        (AccessRefusal.Expired, RejectKind.Http) => UpgradeDecision.Refuse(401, "The token has expired."),
        (AccessRefusal.Expired, _) => UpgradeDecision.CloseAtOnce(Unauthorized, Expired),
        (_, RejectKind.Http) => UpgradeDecision.Refuse(401, "A valid token is needed."),
        _ => UpgradeDecision.CloseAtOnce(Unauthorized, "unauthorized"),
    };

    /// <summary>Has the connection closed when its client's rights end.</summary>
    public static void CloseAt(WeirConnection connection, DateTimeOffset? end)
    {
        if (end is not null)
        {
            connection.CloseAt(end, Unauthorized, Expired);
        }
    }
}
