using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Weir.Integration.Servers;
using Weir.Testing;
using Xunit;

namespace Weir.Integration.Embedding;

/// <summary>Conventions of ASP.NET Core on a route made by <c>MapWeir</c>.</summary>
public sealed class AuthorizationTests : IAsyncLifetime
{
    private TestServer? _server;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(
        static _ => { },
        static app =>
        {
            app.UseAuthentication();
            app.UseAuthorization();
            app.MapWeir("/private", new ScriptedHandler(), NoHeartbeat.Configure).RequireAuthorization();
        },
        static services =>
        {
            services.AddAuthentication("Test").AddScheme<AuthenticationSchemeOptions, UserHeader>("Test", null);
            services.AddAuthorization();
        });

    public ValueTask DisposeAsync() => _server!.DisposeAsync();

    [Fact]
    public async Task Upgrade_OfAStranger_Is401()
    {
        using RawClient client = await _server!.ConnectAsync();

        await client.SendHeadAsync(
            "GET /private HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");

        Assert.Equal(401, (await client.ReadHeadAsync()).Status);
    }

    [Fact]
    public async Task Upgrade_OfAUser_IsServedFromTheFirstRequest()
    {
        using RawClient client = await _server!.ConnectAsync();

        await client.HandshakeAsync("/private", "X-User: ada\r\n");
        await client.SendTextAsync("let in");

        Assert.Equal("let in", (await client.ReadFrameAsync()).Text);
    }

    /// <summary>Accepts every name.</summary>
    private sealed class UserHeader(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            if (Request.Headers["X-User"] is not [{ Length: > 0 } name])
            {
                return Task.FromResult(AuthenticateResult.NoResult());
            }

            ClaimsIdentity identity = new([new Claim(ClaimTypes.Name, name)], Scheme.Name);
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name)));
        }
    }
}
