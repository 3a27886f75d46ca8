using Weir.Auth.Tokens;
using Weir.Relay;

namespace Weir.Auth;

/// <summary>A client with what its token gives it, and the rooms that it has brought a token of their own for since.</summary>
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

    /// <summary>A token is good for so much longer than it says, and so is what it has been good for.</summary>
    public static DateTimeOffset? Until(DateTimeOffset? expiresAt, TimeSpan skew)
        => expiresAt is not { } end ? null : end > DateTimeOffset.MaxValue - skew ? DateTimeOffset.MaxValue : end + skew;

    /// <summary>Notes a room's own token. There are as many as the connection joins rooms with one.</summary>
    public void Grant(string room, DateTimeOffset? until)
    {
        lock (_gate)
        {
            (_granted ??= new(StringComparer.Ordinal))[room] = until;
        }
    }

    /// <summary>The tokens for single rooms hold on: they are good for the user, not for the token it has connected with.</summary>
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

    /// <summary>Whether a room's own token was brought, and still holds.</summary>
    public bool IsGranted(string room, DateTimeOffset now)
    {
        lock (_gate)
        {
            return _granted is not null && _granted.TryGetValue(room, out DateTimeOffset? until) && (until is null || until > now);
        }
    }
}
