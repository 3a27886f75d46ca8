using Weir.Auth.Tokens;
using Weir.Relay.Access;

namespace Weir.Auth;

/// <summary>A client with the claims of its token, and the rooms for which it has presented separate tokens since.</summary>
internal sealed class TokenIdentity : ClientIdentity
{
    private readonly Lock _gate = new();
    private Dictionary<string, DateTimeOffset?>? _granted;

    public TokenIdentity(TokenClaims claims, TimeSpan skew)
    {
        Claims = claims;
        User = claims.User;
        Info = claims.Info;
        Rooms = claims.Subscriptions;
        ExpiresAt = Until(claims.ExpiresAt, skew);
    }

    public TokenClaims Claims { get; }

    /// <summary>Adds the clock skew to an end: a token and its grants are valid that much longer.</summary>
    public static DateTimeOffset? Until(DateTimeOffset? expiresAt, TimeSpan skew)
        => expiresAt is not { } end ? null : end > DateTimeOffset.MaxValue - skew ? DateTimeOffset.MaxValue : end + skew;

    /// <summary>Records the grant of a room's own token. There are as many as the connection joins rooms with one.</summary>
    public void Grant(string room, DateTimeOffset? until)
    {
        lock (_gate)
        {
            (_granted ??= new(StringComparer.Ordinal))[room] = until;
        }
    }

    /// <summary>Keeps the grants for single rooms: they belong to the user, not to the token of the connection.</summary>
    public override void TakeOver(ClientIdentity former)
    {
        if (former is not TokenIdentity { User: var user } identity || user != User)
        {
            return;
        }

        KeyValuePair<string, DateTimeOffset?>[] granted;
        lock (identity._gate)
        {
            granted = [.. identity._granted ?? []];
        }

        foreach ((string room, DateTimeOffset? until) in granted)
        {
            Grant(room, until);
        }
    }

    /// <summary>Whether a room's own token was presented and is still valid.</summary>
    public bool IsGranted(string room, DateTimeOffset now)
    {
        lock (_gate)
        {
            return _granted is not null && _granted.TryGetValue(room, out DateTimeOffset? until) && (until is null || until > now);
        }
    }
}
