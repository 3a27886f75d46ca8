using System.Security.Claims;
using Weir.Relay;

namespace Weir.Auth;

/// <summary>A client that wants to come in.</summary>
/// <param name="Request">What it asked for: headers, cookies and the query are at hand.</param>
/// <param name="Token">The token that it brought, in whatever way; null: none.</param>
public sealed record AuthRequest(UpgradeRequest Request, string? Token);

/// <summary>What an application says to that.</summary>
/// <param name="Principal">Who it is; null when refused.</param>
/// <param name="Refusal">Why it is refused.</param>
/// <param name="ExpiresAt">When that ends; null: as the claim <c>exp</c> says, in seconds since 1970, or never.</param>
public readonly record struct AuthResult(ClaimsPrincipal? Principal, AccessRefusal Refusal, DateTimeOffset? ExpiresAt = null)
{
    /// <summary>
    /// The client is let in. Claims that are looked at: <c>sub</c> (or <see cref="ClaimTypes.NameIdentifier"/>), <c>channels</c>,
    /// <c>subs</c> and <c>publish</c>, one claim for each room or glob, and <c>info</c>, which is JSON.
    /// </summary>
    /// <param name="principal">Who it is.</param>
    /// <param name="expiresAt">When the connection is to end.</param>
    public static AuthResult Allow(ClaimsPrincipal principal, DateTimeOffset? expiresAt = null)
    {
        ArgumentNullException.ThrowIfNull(principal);
        return new AuthResult(principal, AccessRefusal.None, expiresAt);
    }

    /// <summary>The client is refused.</summary>
    public static AuthResult Refuse(AccessRefusal why = AccessRefusal.Invalid) => new(null, why);
}
