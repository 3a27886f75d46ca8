using System.Security.Claims;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Weir.Auth.Diagnostics;
using Weir.Handshake;
using Weir.Relay;
using Weir.Relay.Access;
using Weir.Relay.Brokers;
using Weir.Testing;
using Xunit;
using static Weir.Auth.Tests.TestTokens;

namespace Weir.Auth.Tests;

public sealed class TokenAccessTests : IDisposable
{
    private static readonly RoomRules _rules = new(
        new RoomRule { Pattern = "open:*", Access = RoomAccess.Open },
        new RoomRule { Pattern = "private:*", Access = RoomAccess.Private },
        new RoomRule { Pattern = "news:*", Access = RoomAccess.Open, Publish = RoomPublishing.Nobody },
        new RoomRule { Pattern = "stage:*", Publish = RoomPublishing.Granted });

    private readonly FakeTimeProvider _time = NewClock();
    private readonly LogProbe _log = new();

    public void Dispose() => _log.Dispose();

    [Theory]
    [InlineData("Authorization: Bearer {0}", "/ws")]
    [InlineData("authorization: bEaReR   {0}  ", "/ws")]
    [InlineData("Cookie: session={0}", "/ws")]
    [InlineData("Cookie: a=b; session=\"{0}\"; session=other", "/ws")]
    [InlineData("X: y", "/ws?token={0}")]
    [InlineData("Authorization: Basic dXNlcjpwYXNz", "/ws?token={0}")]
    [InlineData("Authorization: Bearer {0}", "/ws?token=bad")]
    public async Task Token_IsFoundInItsPlaces(string header, string target)
    {
        string token = Good();

        ConnectResult result = await NewAccess(options => options.Cookie = "session")
            .ConnectAsync(Request(Format(target), Format(header)), token: null, CancellationToken.None);

        Assert.Equal("u1", result.Identity?.User);

        string Format(string text) => text.Replace("{0}", token, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Cookie: session={0}")] // no cookie is configured
    [InlineData("Authorization: Basic {0}")]
    [InlineData("X-Token: {0}")]
    [InlineData("Cookie: xsession={0}")]
    public async Task Token_InAnyOtherPlace_IsNoToken(string header)
    {
        ConnectResult result = await NewAccess().ConnectAsync(
            Request("/ws", header.Replace("{0}", Good(), StringComparison.Ordinal)), token: null, CancellationToken.None);

        Assert.Equal(ConnectResult.Refuse(AccessRefusal.Missing), result);
    }

    [Fact]
    public async Task Token_OfTheProtocol_ComesBeforeThatOfTheRequest()
    {
        UpgradeRequest request = Request("/ws?token=" + Good("\"sub\":\"query\""));

        Assert.Equal("protocol", (await NewAccess().ConnectAsync(request, Good("\"sub\":\"protocol\""), CancellationToken.None))
            .Identity?.User);
        Assert.Equal(AccessRefusal.Invalid, (await NewAccess().ConnectAsync(request, "bad", CancellationToken.None)).Refusal);
    }

    [Fact]
    public async Task Identity_IsThatOfTheToken()
    {
        ClientIdentity client = await ConnectAsync(NewAccess(), "\"sub\":\"u1\",\"info\":{\"a\":1},\"subs\":{\"own\":{}}");

        Assert.Equal("u1", client.User);
        Assert.Equal("""{"a":1}""", Encoding.UTF8.GetString(client.Info.Span));
        Assert.Equal(["own"], client.Rooms);
        Assert.Equal(Now.AddHours(1).AddSeconds(30), client.ExpiresAt); // the skew: a token is good so much longer
    }

    [Theory]
    [InlineData("chat:a", "\"channels\":[\"chat:*\"]", true)]
    [InlineData("chat:a", "\"channels\":[\"chat:?\",\"x\"]", true)]
    [InlineData("chat:ab", "\"channels\":[\"chat:?\",\"x\"]", false)]
    [InlineData("Chat:a", "\"channels\":[\"chat:*\"]", false)]
    [InlineData("chat:a", "\"subs\":{\"chat:a\":{}}", true)]
    [InlineData("chat:a", "\"subs\":{\"chat:*\":{}}", false)]
    [InlineData("chat:a", "\"channels\":[]", false)]
    [InlineData("chat:a", "\"publish\":[\"*\"]", false)]
    [InlineData("open:a", "\"channels\":[]", true)]
    [InlineData("private:a", "\"channels\":[\"*\",\"private:a\"]", false)]
    [InlineData("private:a", "\"subs\":{\"private:a\":{}}", true)]
    public async Task Listening_IsWhatClaimsAndRulesGive(string room, string claims, bool mayListen)
    {
        TokenAccess access = NewAccess();
        ClientIdentity client = await ConnectAsync(access, claims);

        RoomAccessResult result = await access.SubscribeAsync(client, room, token: null, CancellationToken.None);

        Assert.Equal(mayListen ? AccessRefusal.None : AccessRefusal.Denied, result.Refusal);
    }

    [Theory]
    [InlineData("chat:a", "\"channels\":[\"chat:*\"]", true)]
    [InlineData("other", "\"channels\":[\"chat:*\"]", false)]
    [InlineData("chat:a", "\"channels\":[\"chat:*\"],\"publish\":[]", false)]
    [InlineData("chat:a", "\"channels\":[\"chat:*\"],\"publish\":[\"chat:b\"]", false)]
    [InlineData("chat:a", "\"publish\":[\"chat:a\"]", true)]
    [InlineData("open:a", "\"channels\":[]", true)]
    [InlineData("private:a", "\"channels\":[\"*\"]", false)]
    [InlineData("news:a", "\"channels\":[\"*\"],\"publish\":[\"*\"]", false)]
    [InlineData("stage:a", "\"channels\":[\"*\"]", false)]
    [InlineData("stage:a", "\"publish\":[\"stage:*\"]", true)]
    public async Task Publishing_IsWhatClaimsAndRulesGive(string room, string claims, bool mayPublish)
    {
        TokenAccess access = NewAccess();

        Assert.Equal(mayPublish, access.MayPublish(await ConnectAsync(access, claims), room));
    }

    [Fact]
    public async Task RoomToken_GivesItsRoomUntilItExpires()
    {
        TokenAccess access = NewAccess();
        ClientIdentity client = await ConnectAsync(access, "\"sub\":\"u1\",\"exp\":4000000000", exp: false);
        Assert.False(access.MayPublish(client, "private:a"));

        RoomAccessResult result = await access.SubscribeAsync(
            client, "private:a", Good("\"sub\":\"u1\",\"channel\":\"private:a\",\"info\":[1]"), CancellationToken.None);

        Assert.True(result.IsAllowed);
        Assert.Equal(Now.AddHours(1).AddSeconds(30), result.ExpiresAt);
        Assert.Equal("[1]", Encoding.UTF8.GetString(result.Info.Span));
        Assert.True(access.MayPublish(client, "private:a"));
        Assert.False(access.MayPublish(client, "private:b"));
        Assert.False(access.MayPublish(await ConnectAsync(access, "\"sub\":\"u1\""), "private:a")); // another connection has not brought it
        _time.Advance(TimeSpan.FromHours(2));
        Assert.False(access.MayPublish(client, "private:a"));
    }

    [Fact]
    public async Task RoomToken_OutlivesARefreshOfTheConnections()
    {
        TokenAccess access = NewAccess();
        ClientIdentity former = await ConnectAsync(access, "\"sub\":\"u1\"");
        await access.SubscribeAsync(former, "private:a", Good("\"sub\":\"u1\",\"channel\":\"private:a\""), CancellationToken.None);
        ClientIdentity same = await ConnectAsync(access, "\"sub\":\"u1\"");
        ClientIdentity other = await ConnectAsync(access, "\"sub\":\"u2\"");

        same.TakeOver(former);
        other.TakeOver(former);

        Assert.True(access.MayPublish(same, "private:a"));
        Assert.False(access.MayPublish(other, "private:a"));
    }

    [Theory]
    [InlineData("\"sub\":\"u2\",\"channel\":\"private:a\"", AccessRefusal.Invalid)] // another user's
    [InlineData("\"channel\":\"private:a\"", AccessRefusal.Invalid)] // without a user
    [InlineData("\"sub\":\"u1\",\"channel\":\"private:b\"", AccessRefusal.Invalid)]
    [InlineData("\"sub\":\"u1\",\"channel\":\"private:*\"", AccessRefusal.Invalid)] // no glob
    [InlineData("\"sub\":\"u1\",\"channels\":[\"private:a\"]", AccessRefusal.Invalid)] // that of a connection
    [InlineData("\"sub\":\"u1\",\"channel\":\"private:a\",\"exp\":1", AccessRefusal.Expired)]
    public async Task RoomToken_ThatIsNotForThis_IsRefused_AlsoWhereTheRoomIsGranted(string claims, AccessRefusal expected)
    {
        TokenAccess access = NewAccess();
        ClientIdentity client = await ConnectAsync(access, "\"sub\":\"u1\",\"channels\":[\"*\"],\"subs\":{\"private:a\":{}}");
        string token = claims.Contains("exp", StringComparison.Ordinal) ? Hs256($"{{{claims}}}") : Good(claims);

        Assert.Equal(expected, (await access.SubscribeAsync(client, "private:a", token, CancellationToken.None)).Refusal);
        Assert.Equal(AccessRefusal.Invalid, (await access.SubscribeAsync(client, "open:a", "garbage", CancellationToken.None)).Refusal);
    }

    [Fact]
    public async Task RoomToken_AtTheConnect_IsRefused()
        => Assert.Equal(
            AccessRefusal.Invalid,
                (await NewAccess().ConnectAsync(Request("/"), Good("\"sub\":\"u1\",\"channel\":\"r\""), CancellationToken.None)).Refusal);

    [Fact]
    public async Task Keys_NotLoaded_AreWaitedForTwoSeconds()
    {
        AuthOptions options = new();
        options.Jwt.Jwks = "https://id.example/keys";
        using SilentIssuer issuer = new();
        using KeyRing ring = new(options.Jwt, _log.CreateLogger("x"), _time, new HttpClient(issuer));
        TokenAccess access = new(options, _rules.Of, ring, _log.CreateLogger(AuthLog.Category), _time);
        ring.Start();

        Task<ConnectResult> connecting = access.ConnectAsync(
            Request("/"), Make("""{"alg":"RS256","kid":"k"}""", $$"""{"exp":{{Soon}}}""", "RS256"), CancellationToken.None).AsTask();
        Assert.False(connecting.IsCompleted);
        _time.Advance(TimeSpan.FromHours(1)); // a pause of the process, which is not the issuer's
        Assert.False(connecting.IsCompleted);
        _time.Pass(TimeSpan.FromSeconds(2));

        Assert.Equal(AccessRefusal.Unavailable, (await connecting.Within()).Refusal);
    }

    [Fact]
    public async Task Anonymous_WhereAllowed_HasOpenRoomsOnly()
    {
        TokenAccess access = NewAccess(static options => options.AllowAnonymous = true);
        ClientIdentity anonymous = (await access.ConnectAsync(Request("/"), token: null, CancellationToken.None)).Identity!;

        Assert.Same(ClientIdentity.Anonymous, anonymous);
        Assert.True((await access.SubscribeAsync(anonymous, "open:a", null, CancellationToken.None)).IsAllowed);
        Assert.True(access.MayPublish(anonymous, "open:a"));
        Assert.False(access.MayPublish(anonymous, "news:a"));
        Assert.Equal(AccessRefusal.Denied, (await access.SubscribeAsync(anonymous, "chat:a", null, CancellationToken.None)).Refusal);
        Assert.Equal(AccessRefusal.Invalid, (await access.ConnectAsync(Request("/?token=bad"), null, CancellationToken.None)).Refusal);
    }

    [Fact]
    public async Task Authenticate_IsCalledInPlaceOfTokens()
    {
        AuthRequest? seen = null;
        TokenAccess access = NewAccess(options => options.Authenticate = (request, _) =>
        {
            seen = request;
            return new(AuthResult.Allow(
                new ClaimsPrincipal(new ClaimsIdentity(
                    [new Claim(ClaimTypes.NameIdentifier, "ada"), new Claim("channels", "a"), new Claim("channels", "b:*"),
                        new Claim("publish", "a"), new Claim("info", "{}")],
                    "test")),
                Now.AddMinutes(5)));
        });

        ClientIdentity client = (await access.ConnectAsync(Request("/?token=opaque"), token: null, CancellationToken.None)).Identity!;

        Assert.Equal("opaque", seen!.Token);
        Assert.Equal(("ada", Now.AddMinutes(5)), (client.User, client.ExpiresAt));
        Assert.Equal("{}", Encoding.UTF8.GetString(client.Info.Span));
        Assert.True((await access.SubscribeAsync(client, "b:x", null, CancellationToken.None)).IsAllowed);
        Assert.True(access.MayPublish(client, "a"));
        Assert.False(access.MayPublish(client, "b:x"));
    }

    [Fact]
    public async Task Authenticate_ThatRefusesOrFails_IsARefusal()
    {
        Assert.Equal(AccessRefusal.Invalid, await RefusalAsync(static () => AuthResult.Refuse()));
        Assert.Equal(AccessRefusal.Denied, await RefusalAsync(static () => AuthResult.Refuse(AccessRefusal.Denied)));
        Assert.Equal(AccessRefusal.Invalid, await RefusalAsync(static () => default));
        Assert.Equal(AccessRefusal.Missing,
            await RefusalAsync(static () => AuthResult.Allow(new ClaimsPrincipal(new ClaimsIdentity([new Claim("sub", "x")])))));
        Assert.Equal(AccessRefusal.Expired,
            await RefusalAsync(static () => AuthResult.Allow(new ClaimsPrincipal(new ClaimsIdentity("test")), Now)));
        Assert.Empty(_log.Of("AuthenticateFailed"));
        Assert.Equal(AccessRefusal.Unavailable,
            await RefusalAsync(static () => throw new InvalidOperationException("The database is away.")));
        Assert.Single(_log.Of("AuthenticateFailed"));
        foreach (string exp in (string[])["1795521600000", "tomorrow", "NaN"])
        {
            Assert.Equal(AccessRefusal.Unavailable,
                await RefusalAsync(() => AuthResult.Allow(new ClaimsPrincipal(new ClaimsIdentity([new Claim("exp", exp)], "test")))));
        }

        async Task<AccessRefusal> RefusalAsync(Func<AuthResult> answer)
        {
            ConnectResult result = await NewAccess(options => options.Authenticate = (_, _) => new(answer()))
                .ConnectAsync(Request("/"), token: null, CancellationToken.None);
            Assert.Null(result.Identity);
            return result.Refusal;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AddWeirAuth_BeforeOrAfterTheRelay_DecidesAboutAccess(bool isFirst)
    {
        ServiceCollection services = new();
        if (isFirst)
        {
            services.AddWeirAuth(static options => options.Jwt.Secret = Secret);
        }

        services.AddWeirRelay(static options => options.Rules = _rules);
        if (!isFirst)
        {
            services.AddWeirAuth(static options => options.Jwt.Secret = Secret);
        }

        services.AddSingleton<TimeProvider>(_time);
        await using ServiceProvider provider = services.BuildServiceProvider();
        IClientAccess access = provider.GetRequiredService<IClientAccess>();

        Assert.Equal(AccessRefusal.Missing, (await access.ConnectAsync(Request("/"), null, CancellationToken.None)).Refusal);
        ClientIdentity client = (await access.ConnectAsync(Request("/"), Good(), CancellationToken.None)).Identity!;
        Assert.True((await access.SubscribeAsync(client, "open:x", null, CancellationToken.None)).IsAllowed); // by the relay's rules
        Assert.False((await access.SubscribeAsync(client, "other", null, CancellationToken.None)).IsAllowed);
    }

    [Theory]
    [InlineData("", "Set Authenticate")]
    [InlineData("short", "Jwt.Secret must be at least 32 bytes")]
    public void AddWeirAuth_WithoutAGoodKey_Throws(string secret, string expected)
        => Assert.Contains(
            expected, Assert.Throws<ArgumentException>(() => new ServiceCollection().AddWeirAuth(options => options.Jwt.Secret = secret))
                .Message, StringComparison.Ordinal);

    private static UpgradeRequest Request(string target, string header = "X: y")
        => new(Encoding.UTF8.GetBytes($"GET {target} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n"));

    private static async Task<ClientIdentity> ConnectAsync(TokenAccess access, string claims, bool exp = true)
        => (await access.ConnectAsync(Request("/"), exp ? Good(claims) : Hs256($"{{{claims}}}"), CancellationToken.None)).Identity!;

    private TokenAccess NewAccess(Action<AuthOptions>? configure = null)
    {
        AuthOptions options = new();
        options.Jwt.Secret = Secret;
        configure?.Invoke(options);
        return new TokenAccess(options, _rules.Of, new KeyRing(options.Jwt, _log.CreateLogger("x"), _time),
            _log.CreateLogger(AuthLog.Category), _time);
    }

    private sealed class SilentIssuer : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
            => new TaskCompletionSource<HttpResponseMessage>().Task.WaitAsync(cancellationToken);
    }
}
