using System.Security.Claims;
using Weir.Handshake;
using Weir.Relay.Access;

namespace Weir.Auth;

/// <summary>A client's request for access.</summary>
/// <param name="Request">The upgrade request, with headers, cookies and query.</param>
/// <param name="Token">The client's token, wherever it was found; <c>null</c> if there is none.</param>
public sealed record AuthRequest(UpgradeRequest Request, string? Token);

/// <summary>The application's result for a request.</summary>
/// <param name="Principal">The client's principal; <c>null</c> if it is refused.</param>
/// <param name="Refusal">Why it is refused.</param>
/// <param name="ExpiresAt">When the access ends; <c>null</c>: at the claim <c>exp</c>, in seconds since 1970, or never.</param>
public readonly record struct AuthResult(ClaimsPrincipal? Principal, AccessRefusal Refusal, DateTimeOffset? ExpiresAt = null)
{
    /// <summary>
    /// Admits the client. Claims that are read: <c>sub</c> (or <see cref="ClaimTypes.NameIdentifier"/>), <c>channels</c>,
    /// <c>subs</c> and <c>publish</c>, one claim for each room or glob, and <c>info</c>, which is JSON.
    /// </summary>
    /// <param name="principal">The client's principal.</param>
    /// <param name="expiresAt">When the connection ends.</param>
    public static AuthResult Allow(ClaimsPrincipal principal, DateTimeOffset? expiresAt = null)
    {
        ArgumentNullException.ThrowIfNull(principal);
        return new AuthResult(principal, AccessRefusal.None, expiresAt);
    }

    /// <summary>Refuses the client.</summary>
    public static AuthResult Refuse(AccessRefusal why = AccessRefusal.Invalid) => new(null, why);
}
