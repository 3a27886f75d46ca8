using System.Security.Claims;
using Microsoft.Extensions.DependencyInjection;
using Weir.Auth;
using Weir.Host.Features.Auth;
using Weir.Host.Features.Rooms;
using Weir.Integration.Servers;
using Weir.Relay;
using Weir.Relay.Access;
using Weir.Relay.Nodes;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Auth;

/// <summary>An application that authenticates its clients itself: the example of docs/guides/authentication.md.</summary>
public sealed class EmbeddedAuthTests : IAsyncLifetime
{
    private TestServer? _server;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(
        static _ => { },
        static app =>
        {
            IServiceProvider services = app.Services;
            AccessResponses responses = new(services.GetRequiredService<IClientAccess>(), RejectKind.Close);
            app.MapWeir("/ws", new RelayHandler(services.GetRequiredService<RelayNode>(), responses), NoHeartbeat.Configure);
            app.MapWeirSse("/sse");
        },
        static services => Configure(services, new Sessions()));

    public ValueTask DisposeAsync() => _server!.DisposeAsync();

    [Fact]
    public async Task KnownSession_IsAdmittedAndGrantsItsRooms()
    {
        using RawClient client = await _server!.ConnectAsync();
        await client.HandshakeAsync("/ws?room=user:ada", "X-Session: s1\r\n");
        await client.SettleAsync();

        Assert.Equal(4403, await CodeOfAsync("/ws?room=user:bob", "X-Session: s1\r\n"));
    }

    [Theory]
    [InlineData("", 4401)]
    [InlineData("X-Session: unknown\r\n", 4401)]
    [InlineData("X-Session: broken\r\n", 1013)]
    public async Task Session_ThatIsNot_IsRefused(string header, int code)
        => Assert.Equal(code, await CodeOfAsync("/ws?room=user:ada", header));

    [Fact]
    public async Task Stream_IsAuthorizedTheSameWay()
    {
        using HttpClient http = new() { BaseAddress = new Uri($"http://127.0.0.1:{_server!.Port}") };
        using HttpResponseMessage stranger = await http.GetAsync("/sse?room=user:ada").Within();
        http.DefaultRequestHeaders.Add("X-Session", "s1");
        using Relay.EventStream stream = await Relay.EventStream.OpenAsync(http, "/sse?room=user:ada");

        Assert.Equal(401, (int)stranger.StatusCode);
    }

    // As in docs/guides/authentication.md.
    private static void Configure(IServiceCollection services, Sessions sessions)
    {
        services.AddWeirRelay();
        services.AddWeirAuth(options => options.Authenticate = async (asked, cancellationToken) =>
            await sessions.FindUserAsync(asked.Request.GetHeader("X-Session"), cancellationToken) is { } user
                ? AuthResult.Allow(new ClaimsPrincipal(new ClaimsIdentity(
                    [new Claim("sub", user), new Claim("channels", $"user:{user}"), new Claim("channels", "lobby")],
                        authenticationType: "session")))
                : AuthResult.Refuse());
    }

    private async Task<int> CodeOfAsync(string target, string headers)
    {
        using RawClient client = await _server!.ConnectAsync();
        await client.HandshakeAsync(target, headers);
        return (await client.ReadFrameAsync()).CloseCode;
    }

    private sealed class Sessions
    {
        public async Task<string?> FindUserAsync(string? session, CancellationToken cancellationToken)
        {
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            return session switch
            {
                "s1" => "ada",
                "broken" => throw new InvalidOperationException("The sessions are away."),
                _ => null,
            };
        }
    }
}
