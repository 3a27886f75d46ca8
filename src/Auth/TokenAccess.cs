using Microsoft.Extensions.Logging;
using Weir.Auth.Diagnostics;
using Weir.Auth.Keys;
using Weir.Auth.Tokens;
using Weir.Relay;

namespace Weir.Auth;

/// <summary>Access by tokens, or by what the application says in their place: nothing is allowed that neither of them gives.</summary>
internal sealed class TokenAccess : IClientAccess
{
    private static readonly TokenClaims _nobody = new();

    // Whoever waits holds a place of the node's limits, and anybody can make up the name of a key.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    private readonly AuthOptions _options;
    private readonly Func<string, RoomRule> _ruleOf;
    private readonly KeyRing _keys;
    private readonly TokenVerifier _verifier;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public TokenAccess(AuthOptions options, Func<string, RoomRule> ruleOf, KeyRing keys, ILogger logger, TimeProvider time)
    {
        _options = options;
        _ruleOf = ruleOf;
        _keys = keys;
        _logger = logger;
        _time = time;
        _verifier = new TokenVerifier(options.Jwt, time);
    }

    public bool UsesCookies => _options.Cookie.Length > 0;

    public ValueTask<ConnectVerdict> ConnectAsync(UpgradeRequest request, string? token, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        token ??= TokenFinder.Find(request, _options.Cookie);
        if (_options.Authenticate is { } authenticate)
        {
            return AskAsync(authenticate, new AuthRequest(request, token), cancellationToken);
        }

        if (string.IsNullOrEmpty(token))
        {
            return new(_options.AllowAnonymous ? ConnectVerdict.Allow(ClientIdentity.Anonymous) : ConnectVerdict.Refuse(AccessRefusal.Missing));
        }

        TokenVerdict verdict = _verifier.Verify(token, _keys.Current);
        return verdict.NeedsNewerKeys ? ConnectSlowlyAsync(token, cancellationToken) : new(Connect(verdict));
    }

    public ValueTask<RoomVerdict> SubscribeAsync(ClientIdentity client, string room, string? token, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(room);
        if (string.IsNullOrEmpty(token))
        {
            return new(MayListen(client, room) ? RoomVerdict.Allow : new RoomVerdict(AccessRefusal.Denied));
        }

        TokenVerdict verdict = _verifier.Verify(token, _keys.Current);
        return verdict.NeedsNewerKeys ? SubscribeSlowlyAsync(client, room, token, cancellationToken) : new(Subscribe(client, room, verdict));
    }

    public bool MayPublish(ClientIdentity client, string room)
    {
        ArgumentNullException.ThrowIfNull(client);
        TokenClaims claims = ClaimsOf(client);
        return _ruleOf(room).Publish switch
        {
            RoomPublishing.Nobody => false,
            _ when claims.Publish is { } globs => Matches(globs, room),
            RoomPublishing.Members => MayListen(client, room) || (client is TokenIdentity identity && identity.IsGranted(room, _time.GetUtcNow())),
            _ => false,
        };
    }

    private static TokenClaims ClaimsOf(ClientIdentity client) => client is TokenIdentity identity ? identity.Claims : _nobody;

    private static bool Matches(IReadOnlyList<string> globs, string room)
    {
        for (int i = 0; i < globs.Count; i++)
        {
            if (RoomRules.Matches(globs[i], room))
            {
                return true;
            }
        }

        return false;
    }

    // By the token of the connection.
    private bool MayListen(ClientIdentity client, string room)
    {
        TokenClaims claims = ClaimsOf(client);
        return _ruleOf(room).Access switch
        {
            RoomAccess.Open => true,
            RoomAccess.Private => claims.Subscriptions.Contains(room, StringComparer.Ordinal),
            _ => Matches(claims.Channels, room) || claims.Subscriptions.Contains(room, StringComparer.Ordinal),
        };
    }

    private ConnectVerdict Connect(in TokenVerdict verdict)
    {
        if (verdict.Claims is { Channel: null } claims)
        {
            return ConnectVerdict.Allow(new TokenIdentity(claims, _options.Jwt.ClockSkew));
        }

        // One that is for a room does not let anybody in: it would give less than it says, or more.
        AuthLog.TokenRefused(_logger, verdict.Why ?? "it is for a room");
        return ConnectVerdict.Refuse(verdict.Claims is null ? verdict.Refusal : AccessRefusal.Invalid);
    }

    private RoomVerdict Subscribe(ClientIdentity client, string room, in TokenVerdict verdict)
    {
        if (verdict.Claims is not { } claims || claims.Channel != room || claims.User != client.User)
        {
            AuthLog.TokenRefused(_logger, verdict.Why ?? "it is for another room or user");
            return new RoomVerdict(verdict.Claims is null ? verdict.Refusal : AccessRefusal.Invalid);
        }

        DateTimeOffset? until = TokenIdentity.Until(claims.ExpiresAt, _options.Jwt.ClockSkew);
        (client as TokenIdentity)?.Grant(room, until);
        return new RoomVerdict(AccessRefusal.None, until, claims.Info);
    }

    private async ValueTask<ConnectVerdict> ConnectSlowlyAsync(string token, CancellationToken cancellationToken)
        => Connect(await VerifySlowlyAsync(token, cancellationToken).ConfigureAwait(false));

    private async ValueTask<RoomVerdict> SubscribeSlowlyAsync(ClientIdentity client, string room, string token, CancellationToken cancellationToken)
        => Subscribe(client, room, await VerifySlowlyAsync(token, cancellationToken).ConfigureAwait(false));

    private async ValueTask<TokenVerdict> VerifySlowlyAsync(string token, CancellationToken cancellationToken)
    {
        Task refreshing = _keys.RefreshAsync();
        await refreshing.WaitAsync(_patience, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        TokenVerdict verdict = _verifier.Verify(token, _keys.Current);
        bool mayComeYet = !refreshing.IsCompleted || !_keys.IsComplete;
        return verdict.NeedsNewerKeys && mayComeYet ? new TokenVerdict(AccessRefusal.Unavailable, Why: "the keys are not there yet") : verdict;
    }

    private async ValueTask<ConnectVerdict> AskAsync(
        Func<AuthRequest, CancellationToken, ValueTask<AuthResult>> authenticate, AuthRequest request, CancellationToken cancellationToken)
    {
        try
        {
            AuthResult result = await authenticate(request, cancellationToken).ConfigureAwait(false);
            if (result.Principal is not { } principal)
            {
                return ConnectVerdict.Refuse(result.Refusal == AccessRefusal.None ? AccessRefusal.Invalid : result.Refusal);
            }

            // A principal without an identity that somebody has vouched for is what ASP.NET Core has for strangers.
            if (principal.Identity is not { IsAuthenticated: true })
            {
                return _options.AllowAnonymous ? ConnectVerdict.Allow(ClientIdentity.Anonymous) : ConnectVerdict.Refuse(AccessRefusal.Missing);
            }

            TokenClaims claims = PrincipalClaims.Read(principal, result.ExpiresAt);
            return claims.ExpiresAt <= _time.GetUtcNow()
                ? ConnectVerdict.Refuse(AccessRefusal.Expired)
                : ConnectVerdict.Allow(new TokenIdentity(claims, skew: TimeSpan.Zero));
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            AuthLog.AuthenticateFailed(_logger, error);
            return ConnectVerdict.Refuse(AccessRefusal.Unavailable);
        }
    }
}
