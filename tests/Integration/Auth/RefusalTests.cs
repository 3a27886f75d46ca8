using Weir.Integration.Hosting;
using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;
using static Weir.Integration.Auth.AuthHost;

namespace Weir.Integration.Auth;

/// <summary>Refusals of clients, which leave no state behind.</summary>
public sealed class RefusalTests
{
    private static readonly string _good = Tokens.Make("\"sub\":\"u1\",\"channels\":[\"*\"]");

    [Fact]
    public async Task Refused_HoldNoPlace()
    {
        await using HostProcess host = await HostProcess.StartAsync(
            [.. Settings, ("Weir__Limits__MaxConnections", "1"), ("Weir__Limits__MaxConnectionsPerAddress", "1")]);
        List<RawClient> refused = [];
        for (int i = 0; i < 50; i++)
        {
            // None of them answers: the server has them around for a second more.
            RawClient client = await host.ConnectAsync();
            await client.HandshakeAsync("/ws?room=r&token=bad", "", $"127.0.0.1:{host.Port}");
            refused.Add(client);
        }

        using RawClient good = await host.OpenAsync("/ws?room=r&token=" + _good);
        foreach (RawClient client in refused)
        {
            Assert.Equal(4401, (await client.ReadFrameAsync()).CloseCode);
            client.Dispose();
        }

        await good.SettleAsync();
    }

    [Fact]
    public async Task Http_InsteadOfAClose_WhereConfigured()
    {
        await using HostProcess host = await HostProcess.StartAsync([.. Settings, ("Weir__Auth__Reject", "Http")]);
        foreach ((string target, int status) in ((string, int)[])[("/ws?room=r", 401), ("/ws?room=r&token=bad", 401), ("/echo", 401),
            ($"/ws?room=private:x&token={_good}", 403)])
        {
            using RawClient client = await host.ConnectAsync();
            await client.SendHeadAsync(Heads.Upgrade(target, host: $"127.0.0.1:{host.Port}"));
            RawResponse response = await client.ReadHeadAsync();
            Assert.Equal(status, response.Status);
            Assert.Equal(status == 401, response.Header("WWW-Authenticate").Count == 1);
        }
    }

    [Fact]
    public async Task Anonymous_WhereAllowed_ReachesOpenRoomsOnly()
    {
        await using HostProcess host = await HostProcess.StartAsync([.. Settings, ("Weir__Auth__AllowAnonymous", "true")]);
        using RawClient client = await host.OpenAsync("/ws?room=open:x");

        Assert.Equal((4403, "forbidden"), await RefusedAsync(host, "/ws?room=r"));
        Assert.Equal((4401, "unauthorized"), await RefusedAsync(host, "/ws?room=open:x&token=bad"));
    }

    [Fact]
    public async Task PublishByBackEndsOnly_WithoutAuth_HoldsToo()
    {
        await using HostProcess host =
            await HostProcess.StartAsync(("Weir__Rooms__0__Pattern", "news"), ("Weir__Rooms__0__Publish", "Nobody"));
        using RawClient client = await host.OpenAsync("/ws?room=news");

        await client.SendTextAsync("may I?");

        Assert.Equal(4403, (await client.ReadFrameAsync()).CloseCode);
    }

    [Fact]
    public async Task Log_OfEverything_HasNoTokenAndNoSecret()
    {
        string expired = Tokens.Make("\"sub\":\"u1\",\"exp\":1");
        string[] tokens = [_good, expired, _good[..^2], Tokens.Make("\"sub\":\"u1\"", header: """{"alg":"none"}"""), "garbage-of-a-token"];
        await using HostProcess host = await HostProcess.StartAsync(
        [
            .. Settings,
            ("Logging__LogLevel__Default", "Trace"),
            ("Logging__LogLevel__Microsoft.AspNetCore", "Trace"),
            ("Logging__LogLevel__Microsoft.Hosting.Lifetime", "Trace"),
        ]);
        foreach (string token in tokens)
        {
            foreach ((string target, string headers) in ((string, string)[])
            [
                ("/ws?room=private:x&token=" + token, ""),
                ("/ws?room=private:x", $"Authorization: Bearer {token}\r\n"),
                ("/ws?room=private:x", $"Cookie: session={token}\r\n"),
                ("/ws?room=private:x&room_token=" + token, $"Authorization: Bearer {_good}\r\n"),
                ("/echo?token=" + token, ""),
            ])
            {
                using RawClient client = await host.ConnectAsync();
                await client.HandshakeAsync(target, headers, $"127.0.0.1:{host.Port}");
                if (target[1] != 'e' || token != _good)
                {
                    Assert.InRange((await client.ReadFrameAsync()).CloseCode, 4401, 4403);
                }
            }

            using RawClient stream = await host.ConnectAsync();
            await stream.SendHeadAsync($"GET /sse?room=private:x&token={token} HTTP/1.1\r\nHost: 127.0.0.1:{host.Port}\r\n\r\n");
            RawResponse response = await stream.ReadHeadAsync();
            Assert.DoesNotContain(token, await HttpBody.ReadAsync(stream, response), StringComparison.Ordinal);
        }

        host.Terminate();
        Assert.Equal(0, await host.ExitAsync());
        string all = host.Output + host.Errors;
        Assert.Contains("A token is refused: expired", all, StringComparison.Ordinal);
        foreach (string secret in (string[])[.. tokens, .. tokens.Select(static token => token[(token.LastIndexOf('.') + 1)..]),
            Tokens.Secret])
        {
            Assert.DoesNotContain(secret, all, StringComparison.OrdinalIgnoreCase);
        }
    }
}
