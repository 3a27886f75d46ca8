using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Auth;

/// <summary>Keys from a server of their own, which exchanges them and becomes unavailable.</summary>
public sealed class JwksTests
{
    private static readonly TimeSpan _limit = Bounded.DefaultLimit;

    private readonly RSA _first = RSA.Create(2048);
    private readonly RSA _second = RSA.Create(2048);

    [Fact]
    public async Task Rotation_OfTheKeys_IsFollowed()
    {
        await using Issuer issuer = await Issuer.StartAsync();
        issuer.Keys = Tokens.KeySet((_first, "first"));
        await using HostProcess host = await StartHostAsync(issuer.Address);
        string old = Tokens.Make("\"sub\":\"u1\",\"channels\":[\"*\"]", _first, "first");
        string renewed = Tokens.Make("\"sub\":\"u1\",\"channels\":[\"*\"]", _second, "second");
        await EventuallyAsync(host, old, code: null);
        Assert.Equal(4401, await CodeOfAsync(host, renewed));

        issuer.Keys = Tokens.KeySet((_first, "first"), (_second, "second"));
        await EventuallyAsync(host, renewed, code: null);
        Assert.Null(await CodeOfAsync(host, old));

        issuer.Keys = Tokens.KeySet((_second, "second"));
        await EventuallyAsync(host, old, code: 4401); // though it was verified before
        Assert.Null(await CodeOfAsync(host, renewed));

        issuer.Keys = null; // a failure of the issuer removes no key
        int asked = issuer.Requests;
        await Bounded.Eventually(() => issuer.Requests > asked + 1, _limit);
        Assert.Null(await CodeOfAsync(host, renewed));
    }

    [Fact]
    public async Task Issuer_UnavailableAtTheStart_IsWaitedFor()
    {
        await using Issuer issuer = await Issuer.StartAsync();
        await using HostProcess host = await StartHostAsync(issuer.Address);
        string token = Tokens.Make("\"sub\":\"u1\",\"channels\":[\"*\"]", _first, "first");
        Assert.Equal(1013, await CodeOfAsync(host, token)); // the token can't be verified, so it is not known to be bad

        issuer.Keys = Tokens.KeySet((_first, "first"));
        await EventuallyAsync(host, token, code: null);
    }

    [Fact]
    public async Task Clients_DoNotReachTheIssuer()
    {
        await using Issuer issuer = await Issuer.StartAsync();
        issuer.Keys = Tokens.KeySet((_first, "first"));
        await using HostProcess host = await StartHostAsync(issuer.Address, refreshInterval: "1h");
        await EventuallyAsync(host, Tokens.Make("\"sub\":\"u1\",\"channels\":[\"*\"]", _first, "first"), code: null);

        for (int i = 0; i < 50; i++)
        {
            Assert.Equal(4401, await CodeOfAsync(host, Tokens.Make("\"sub\":\"u1\"", _second, $"made up {i}")));
        }

        Assert.InRange(issuer.Requests, 1, 4); // the first, and one in ten seconds however long the machine takes for this
    }

    private static Task<HostProcess> StartHostAsync(string jwks, string refreshInterval = "1s") => HostProcess.StartAsync(
        ("Weir__Auth__Jwt__Jwks", jwks), ("Weir__Auth__Jwt__RefreshInterval", refreshInterval));

    private static async Task EventuallyAsync(HostProcess host, string token, int? code)
    {
        long start = TimeProvider.System.GetTimestamp();
        int? last;
        while ((last = await CodeOfAsync(host, token)) != code)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < _limit, $"Still {last} instead of {code}.");
        }
    }

    // Null: admitted.
    private static async Task<int?> CodeOfAsync(HostProcess host, string token)
    {
        using RawClient client = await host.ConnectAsync();
        await client.HandshakeAsync("/ws?room=r&token=" + token, "", $"127.0.0.1:{host.Port}");
        await client.SendRawAsync(Frames.Ping("in?"u8));
        ServerFrame first = await client.ReadFrameAsync();
        return first.Opcode == 8 ? first.CloseCode : null;
    }

    /// <summary>Serves a key set; 500 where it has none.</summary>
    private sealed class Issuer : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private int _requests;

        private Issuer()
        {
            WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            _app = builder.Build();
            _app.MapGet("/keys", () =>
            {
                Interlocked.Increment(ref _requests);
                return Keys is { } keys ? Results.Text(keys, "application/json") : Results.StatusCode(500);
            });
        }

        public volatile string? Keys;

        public int Requests => Volatile.Read(ref _requests);

        public string Address => _app.Urls.Single() + "/keys?secret=of-the-address";

        public static async Task<Issuer> StartAsync()
        {
            Issuer issuer = new();
            await issuer._app.StartAsync().Within();
            return issuer;
        }

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }
}
