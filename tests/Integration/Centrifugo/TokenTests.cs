using System.Text.Json;
using Weir.Integration.Auth;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Centrifugo;

/// <summary>Tokens that end, and the SDK that comes with new ones.</summary>
public sealed class TokenTests
{
    private const string Claims = "\"sub\":\"u1\",\"channels\":[\"*\"]";

    // The shortest life in which a busy machine can still provide a new token before the server's timeout.
    private const double Short = 3;
    private static readonly (string, string) _grace = ("Weir__Centrifugo__ExpiryGrace", "10s");

    [Theory]
    [InlineData("node", "websocket")]
    [InlineData("node", "http_stream")]
    [InlineData("chromium", "websocket")]
    public async Task TokensThatEnd_AreRefreshed_AndNothingIsInterrupted(string where, string transport)
    {
        await using HostProcess host = await HostProcess.StartAsync([.. AuthHost.Settings, _grace]);
        string[] tokens = [Tokens.Make($"{Claims},\"exp\":1"), Tokens.Make($"{Claims},\"exp\":{Tokens.In(Short)}"), Tokens.Make(Claims)];
        string[] forRoom =
        [
            Tokens.Make("\"sub\":\"u1\",\"channel\":\"private:room\",\"exp\":1"),
            Tokens.Make($"\"sub\":\"u1\",\"channel\":\"private:room\",\"exp\":{Tokens.In(Short)}"),
            Tokens.Make("\"sub\":\"u1\",\"channel\":\"private:room\""),
        ];
        await using SdkProcess sdk = await SdkProcess.StartAsync(where, transport, tokens, host.Port);

        // The first of each has expired: with error 109 the SDK requests another.
        await sdk.DoAsync("""{"do":"connect"}""");
        await sdk.DoAsync($$$"""{"do":"subscribe","channel":"private:room","with":{"tokens":{{{JsonSerializer.Serialize(forRoom)}}}}}""");
        Assert.Equal(109, (await sdk.ReceivesAsync("error")).GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal(109, (await sdk.ReceivesAsync("subscription error")).GetProperty("error").GetProperty("code").GetInt32());
        int connected = sdk.EventsOf("connected").Count();
        int subscribed = sdk.EventsOf("subscribed").Count();

        // The second of each ends: the SDK refreshes, and the connection and the subscription continue beyond every timeout.
        long ended = Tokens.In(Short + 10);
        await Bounded.Eventually(() => sdk.EventsOf("token asked").Count() == 3
            && sdk.EventsOf("channel token asked").Count() == 3, TimeSpan.FromSeconds(30));
        await Bounded.Eventually(() => Tokens.In(0) > ended + 1, TimeSpan.FromSeconds(60));
        await sdk.DoAsync("""{"do":"publish","channel":"private:room","data":"still here"}""");
        await sdk.ReceivesAsync("publication");
        Assert.Equal((connected, subscribed), (sdk.EventsOf("connected").Count(), sdk.EventsOf("subscribed").Count()));
    }

    [Fact]
    public async Task TokenThatEnds_WithoutARefresh_IsTheEndOfTheConnection()
    {
        await using HostProcess host = await HostProcess.StartAsync([.. AuthHost.Settings, ("Weir__Centrifugo__ExpiryGrace", "0")]);
        using RawClient client = await host.ConnectAsync();
        await client.HandshakeAsync("/connection/websocket", "", $"127.0.0.1:{host.Port}");
        await client.SendTextAsync($$$"""{"id":1,"connect":{"token":"{{{Tokens.Make($"{Claims},\"exp\":{Tokens.In(2)}")}}}"}}""");
        Assert.Contains("\"expires\":true", (await client.ReadFrameAsync()).Text, StringComparison.Ordinal);

        ServerFrame close = await client.ReadFrameAsync(TimeSpan.FromSeconds(30));

        Assert.Equal((3005, "connection expired"), (close.CloseCode, close.CloseReason));
    }

    [Fact]
    public async Task InvalidToken_EndsTheClientPermanently()
    {
        await using HostProcess host = await HostProcess.StartAsync(AuthHost.Settings);
        await using SdkProcess sdk = await SdkProcess.StartAsync("node", "websocket", ["garbage"], host.Port);

        await sdk.TryAsync("""{"do":"connect"}""");

        Assert.Equal((3500, "invalid token"), CodeOf(await sdk.ReceivesAsync("disconnected")));
    }

    private static (int Code, string Reason) CodeOf(JsonElement happened)
        => (happened.GetProperty("code").GetInt32(), happened.GetProperty("reason").GetString()!);
}
