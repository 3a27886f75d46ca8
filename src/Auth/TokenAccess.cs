using Microsoft.Extensions.Logging;
using Weir.Auth.Diagnostics;
using Weir.Auth.Tokens;
using Weir.Handshake;
using Weir.Relay.Access;
using Weir.Relay.Brokers;
using Weir.Timing;

namespace Weir.Auth;

/// <summary>Access by tokens, or by the application's own authentication; all else is denied.</summary>
internal sealed class TokenAccess : IClientAccess
{
    private static readonly TokenClaims _anonymous = new();

    // A waiting client holds an admission of the node's limits, and any client can make up a key id.
    private static readonly TimeSpan _keyTimeout = TimeSpan.FromSeconds(2);

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
        _verifier = new TokenVerifier(options.Jwt.ToSettings(), time);
    }

    public bool UsesCookies => _options.Cookie.Length > 0;

    public ValueTask<ConnectResult> ConnectAsync(UpgradeRequest request, string? token, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        token ??= TokenFinder.Find(request, _options.Cookie);
        if (_options.Authenticate is { } authenticate)
        {
            return AuthenticateAsync(authenticate, new AuthRequest(request, token), cancellationToken);
        }

        if (string.IsNullOrEmpty(token))
        {
            return new(_options.AllowAnonymous
                ? ConnectResult.Allow(ClientIdentity.Anonymous) : ConnectResult.Refuse(AccessRefusal.Missing));
        }

        TokenResult result = _verifier.Verify(token, _keys.Current);
        return result.NeedsNewerKeys ? ConnectSlowlyAsync(token, cancellationToken) : new(Connect(result));
    }

    public ValueTask<RoomAccessResult> SubscribeAsync(ClientIdentity client, string room, string? token,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(room);
        if (string.IsNullOrEmpty(token))
        {
            return new(MaySubscribe(client, room) ? RoomAccessResult.Allow : new RoomAccessResult(AccessRefusal.Denied));
        }

        TokenResult result = _verifier.Verify(token, _keys.Current);
        return result.NeedsNewerKeys ? SubscribeSlowlyAsync(client, room, token, cancellationToken) : new(Subscribe(client, room, result));
    }

    public bool MayPublish(ClientIdentity client, string room)
    {
        ArgumentNullException.ThrowIfNull(client);
        TokenClaims claims = ClaimsOf(client);
        return _ruleOf(room).Publish switch
        {
            RoomPublishing.Nobody => false,
            _ when claims.Publish is { } globs => Matches(globs, room),
            RoomPublishing.Members => MaySubscribe(client, room)
                || (client is TokenIdentity identity && identity.IsGranted(room, _time.GetUtcNow())),
            _ => false,
        };
    }

    private static TokenClaims ClaimsOf(ClientIdentity client) => client is TokenIdentity identity ? identity.Claims : _anonymous;

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
    private bool MaySubscribe(ClientIdentity client, string room)
    {
        TokenClaims claims = ClaimsOf(client);
        return _ruleOf(room).Access switch
        {
            RoomAccess.Open => true,
            RoomAccess.Private => claims.Subscriptions.Contains(room, StringComparer.Ordinal),
            _ => Matches(claims.Channels, room) || claims.Subscriptions.Contains(room, StringComparer.Ordinal),
        };
    }

    private ConnectResult Connect(in TokenResult result)
    {
        if (result.Claims is { Channel: null } claims)
        {
            return ConnectResult.Allow(new TokenIdentity(claims, _options.Jwt.ClockSkew));
        }

        // A token for a room does not admit a connection: it would grant less than it states, or more.
        AuthLog.TokenRefused(_logger, result.Why ?? "it is for a room");
        return ConnectResult.Refuse(result.Claims is null ? result.Refusal : AccessRefusal.Invalid);
    }

    private RoomAccessResult Subscribe(ClientIdentity client, string room, in TokenResult result)
    {
        if (result.Claims is not { } claims || claims.Channel != room || claims.User != client.User)
        {
            AuthLog.TokenRefused(_logger, result.Why ?? "it is for another room or user");
            return new RoomAccessResult(result.Claims is null ? result.Refusal : AccessRefusal.Invalid);
        }

        DateTimeOffset? until = TokenIdentity.Until(claims.ExpiresAt, _options.Jwt.ClockSkew);
        (client as TokenIdentity)?.Grant(room, until);
        return new RoomAccessResult(AccessRefusal.None, until, claims.Info);
    }

    private async ValueTask<ConnectResult> ConnectSlowlyAsync(string token, CancellationToken cancellationToken)
        => Connect(await VerifySlowlyAsync(token, cancellationToken).ConfigureAwait(false));

    private async ValueTask<RoomAccessResult> SubscribeSlowlyAsync(ClientIdentity client, string room, string token,
        CancellationToken cancellationToken)
        => Subscribe(client, room, await VerifySlowlyAsync(token, cancellationToken).ConfigureAwait(false));

    private async ValueTask<TokenResult> VerifySlowlyAsync(string token, CancellationToken cancellationToken)
    {
        Task refreshing = _keys.RefreshAsync();
        if (!refreshing.IsCompleted)
        {
            using RunningTimeout timeout = new(_keyTimeout, _time);
            await timeout.WaitAsync(refreshing, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        cancellationToken.ThrowIfCancellationRequested();
        TokenResult result = _verifier.Verify(token, _keys.Current);
        bool mayComeYet = !refreshing.IsCompleted || !_keys.IsComplete;
        return result.NeedsNewerKeys && mayComeYet
            ? new TokenResult(AccessRefusal.Unavailable, Why: "the keys are not loaded yet") : result;
    }

    private async ValueTask<ConnectResult> AuthenticateAsync(
        Func<AuthRequest, CancellationToken, ValueTask<AuthResult>> authenticate, AuthRequest request, CancellationToken cancellationToken)
    {
        try
        {
            AuthResult result = await authenticate(request, cancellationToken).ConfigureAwait(false);
            if (result.Principal is not { } principal)
            {
                return ConnectResult.Refuse(result.Refusal == AccessRefusal.None ? AccessRefusal.Invalid : result.Refusal);
            }

            // ASP.NET Core represents anonymous users by a principal without an authenticated identity.
            if (principal.Identity is not { IsAuthenticated: true })
            {
                return _options.AllowAnonymous
                    ? ConnectResult.Allow(ClientIdentity.Anonymous) : ConnectResult.Refuse(AccessRefusal.Missing);
            }

            TokenClaims claims = PrincipalClaims.Read(principal, result.ExpiresAt);
            return claims.ExpiresAt <= _time.GetUtcNow()
                ? ConnectResult.Refuse(AccessRefusal.Expired)
                : ConnectResult.Allow(new TokenIdentity(claims, skew: TimeSpan.Zero));
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            AuthLog.AuthenticateFailed(_logger, error);
            return ConnectResult.Refuse(AccessRefusal.Unavailable);
        }
    }
}
