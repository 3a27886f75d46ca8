using System.Text.Json;
using Weir.Integration.Relay;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Integration.Centrifugo;

/// <summary>Centrifugo's own JavaScript SDK against the Host: the proof that its SDKs are our client libraries.</summary>
public sealed class SdkTests
{
    [Theory]
    [InlineData("node", "websocket")]
    [InlineData("node", "sse")]
    [InlineData("node", "http_stream")]
    [InlineData("chromium", "websocket")]
    [InlineData("chromium", "sse")]
    [InlineData("chromium", "http_stream")]
    public async Task Client_DoesAllThatItsSdkOffers(string where, string transport)
    {
        await using HostProcess host = await StartHostAsync();
        using HttpClient http = RelayHost.NewClient(host);
        await using SdkProcess sdk = await SdkProcess.StartAsync(where, transport, host.Port);

        // Connect and subscribe.
        await sdk.DoAsync("""{"do":"connect"}""");
        await sdk.DoAsync("""{"do":"subscribe","channel":"kept:room","with":{"joinLeave":true}}""");
        JsonElement connected = await sdk.ReceivesAsync("connected");
        Assert.Equal(transport, connected.GetProperty("transport").GetString());
        string id = connected.GetProperty("client").GetString()!;
        Assert.True((await sdk.ReceivesAsync("subscribed")).GetProperty("recoverable").GetBoolean());
        await sdk.ReceivesAsync("join", each => each.GetProperty("info").GetProperty("client").ValueEquals(id));

        // A channel is a room: publications from here, from raw members and by the API reach all.
        using RawClient raw = await host.OpenAsync("/ws?room=kept:room");
        await sdk.DoAsync("""{"do":"publish","channel":"kept:room","data":{"from":"sdk","text":"Grüße 🏞️"}}""");
        Assert.Equal("""{"from":"sdk","text":"Grüße 🏞️"}""", (await raw.ReadFrameAsync()).Text);
        await raw.SendTextAsync("""{"from": "raw"}""");
        await sdk.ReceivesAsync("publication", static each => each.GetProperty("offset").GetInt64() == 2);
        await raw.SendTextAsync("no JSON\nat all");
        await raw.SendFrameAsync(0x2, new byte[] { 1, 2, 3 });
        await RelayHost.CallAsync(http, "publish", """{"channel":"kept:room","data":{"from":"api"}}""");
        await sdk.ReceivesAsync("publication", static each => each.GetProperty("offset").GetInt64() == 5);
        JsonElement[] received = [.. sdk.EventsOf("publication")];
        Assert.Equal(id, received[0].GetProperty("info").GetProperty("client").GetString());
        Assert.Equal(
            ["""{"from":"sdk","text":"Grüße 🏞️"}""", """{"from":"raw"}""", "\"no JSON\\nat all\"", "\"AQID\"", """{"from":"api"}"""],
            received.Select(static each => each.GetProperty("data").GetRawText()));
        Assert.Equal("base64", received[3].GetProperty("tags").GetProperty("encoding").GetString());

        // Presence and history.
        JsonElement presence = (await sdk.DoAsync("""{"do":"presence","channel":"kept:room"}""")).GetProperty("clients");
        Assert.Equal(2, presence.EnumerateObject().Count());
        Assert.Equal(id, presence.GetProperty(id).GetProperty("client").GetString());
        Assert.Equal(2, (await sdk.DoAsync("""{"do":"presenceStats","channel":"kept:room"}""")).GetProperty("numClients").GetInt32());
        JsonElement history = await sdk.DoAsync("""{"do":"history","channel":"kept:room","with":{"limit":2,"reverse":true}}""");
        Assert.Equal([5, 4], history.GetProperty("publications").EnumerateArray()
            .Select(static each => each.GetProperty("offset").GetInt64()));

        // What the server has no answer for.
        Assert.Equal(108, (await sdk.TryAsync("""{"do":"rpc","method":"x","data":1}""")).GetProperty("error").GetInt32());
        Assert.Equal(108, (await sdk.TryAsync("""{"do":"history","channel":"plain"}""")).GetProperty("error").GetInt32());
        await sdk.DoAsync("""{"do":"send","data":{"nobody":"listens"}}""");

        // Aborted, with a publication meanwhile: it reconnects and has lost none.
        await RelayHost.CallAsync(http, "disconnect", $$$"""{"client":"{{{id}}}","disconnect":{"code":3000,"reason":"come back"}}""");
        for (int i = 6; i <= 20; i++)
        {
            await RelayHost.CallAsync(http, "publish", $$"""{"channel":"kept:room","data":{{i}}}""");
        }

        Assert.Contains((await sdk.ReceivesAsync("connecting", IsNotTheFirst)).GetProperty("reason").GetString(),
            ReasonsOf(transport, "come back"));
        await sdk.ReceivesAsync("subscribed", static each => each.GetProperty("recovered").GetBoolean());
        await sdk.ReceivesAsync("publication", static each => each.GetProperty("offset").GetInt64() == 20);
        Assert.Equal(Enumerable.Range(1, 20).Select(static i => (long)i), sdk.OffsetsOf("kept:room"));

        // Unsubscribe, subscribe again, and the end.
        await sdk.DoAsync("""{"do":"unsubscribe","channel":"kept:room"}""");
        await sdk.DoAsync("""{"do":"disconnect"}""");
        Assert.Equal(0, (await sdk.ReceivesAsync("disconnected")).GetProperty("code").GetInt32());
        Assert.DoesNotContain(sdk.Events, static each => each.GetProperty("event").ValueEquals("page error"));
        await Waiting.UntilAsync(async () => await PresentAsync(http) == 1, "only the raw member is present");
    }

    [Fact]
    public async Task LostConnection_ReconnectsWithoutALoss()
    {
        await using HostProcess host = await StartHostAsync();
        using HttpClient http = RelayHost.NewClient(host);
        await using SdkProcess sdk = await SdkProcess.StartAsync("node", "websocket", host.Port);
        await sdk.DoAsync("""{"do":"connect"}""");
        await sdk.DoAsync("""{"do":"subscribe","channel":"kept:room"}""");

        for (int i = 1; i <= 200; i++)
        {
            await RelayHost.CallAsync(http, "publish", $$"""{"channel":"kept:room","data":{{i}}}""");
            if (i % 40 == 0)
            {
                await sdk.DoAsync("""{"do":"cut"}""");
                await Bounded.Eventually(() => sdk.EventsOf("connecting").Count() >= (i / 40) + 1);
            }
        }

        await sdk.ReceivesAsync("publication", static each => each.GetProperty("offset").GetInt64() == 200);
        Assert.Equal(Enumerable.Range(1, 200).Select(static i => (long)i), sdk.OffsetsOf("kept:room"));
    }

    [Fact]
    public async Task SlowClient_IsClosedWith3008_Reconnects_AndHasLostNothing()
    {
        await using HostProcess host = await StartHostAsync(("Weir__Pressure__CloseAtBytes", "100000"));
        using HttpClient http = RelayHost.NewClient(host);
        await using SdkProcess sdk = await SdkProcess.StartAsync("node", "websocket", host.Port);
        await sdk.DoAsync("""{"do":"connect"}""");
        await sdk.DoAsync("""{"do":"subscribe","channel":"kept:room"}""");
        await sdk.DoAsync("""{"do":"pause"}""");

        string big = new('x', 50_000);
        int last = 0;
        while (await host.MetricAsync("weir_connections_too_slow_total") == 0)
        {
            for (int i = 0; i < 10; i++)
            {
                await RelayHost.CallAsync(http, "publish", $$"""{"channel":"kept:room","data":"{{big}}"}""");
                last++;
            }

            Assert.True(last < 1000, "50 MB wait for a client, and it is not closed.");
        }

        await sdk.DoAsync("""{"do":"resume"}""");
        JsonElement connecting = await sdk.ReceivesAsync("connecting", static each => each.GetProperty("code").GetInt32() == 3008);
        Assert.Equal("slow", connecting.GetProperty("reason").GetString());
        await sdk.ReceivesAsync("publication", each => each.GetProperty("offset").GetInt64() == last);
        Assert.Equal(Enumerable.Range(1, last).Select(static i => (long)i), sdk.OffsetsOf("kept:room"));
    }

    [Theory]
    [InlineData("websocket")]
    [InlineData("sse")]
    [InlineData("http_stream")]
    public async Task ServerThatShutsDown_ClosesItsClientsSoThatTheyReconnect(string transport)
    {
        await using HostProcess host = await StartHostAsync();
        await using SdkProcess sdk = await SdkProcess.StartAsync("node", transport, host.Port);
        await sdk.DoAsync("""{"do":"connect"}""");

        host.Terminate();

        Assert.Contains((await sdk.ReceivesAsync("connecting", IsNotTheFirst)).GetProperty("reason").GetString(),
            ReasonsOf(transport, "shutdown"));
        Assert.Equal(0, await host.ExitAsync());
        Assert.Empty(sdk.EventsOf("disconnected"));
    }

    [Fact]
    public async Task Pings_KeepAClientThatAnswersThem_AndEndOneThatDoesNot()
    {
        await using HostProcess host = await StartHostAsync(("Weir__Heartbeat__Interval", "1s"), ("Weir__Heartbeat__Timeout", "1s"));
        await using SdkProcess sdk = await SdkProcess.StartAsync("node", "websocket", host.Port);
        await sdk.DoAsync("""{"do":"connect"}""");
        await host.MetricBecomesAsync("weir_ping_duration_seconds_count", static count => count >= 3, Bounded.DefaultLimit);
        Assert.Single(sdk.EventsOf("connecting"));

        using RawClient mute = await host.ConnectAsync();
        await mute.HandshakeAsync("/connection/websocket");
        await mute.SendTextAsync("""{"id":1,"connect":{}}""");
        string last;
        do
        {
            ServerFrame frame = await mute.ReadFrameAsync();
            last = frame.IsClose ? $"{frame.CloseCode} {frame.CloseReason}" : frame.Text;
        }
        while (last.StartsWith('{'));

        Assert.Equal("3012 no pong", last);
        Assert.Single(sdk.EventsOf("connecting"));
    }

    [Fact]
    public async Task FrameBeyondTheLimit_EndsTheClientPermanently()
    {
        await using HostProcess host = await StartHostAsync(("Weir__Limits__MaxMessageBytes", "10000"));
        await using SdkProcess sdk = await SdkProcess.StartAsync("node", "websocket", host.Port);
        await sdk.DoAsync("""{"do":"connect"}""");

        await sdk.TryAsync($$"""{"do":"publish","channel":"a","data":"{{new string('x', 20_000)}}"}""");

        Assert.Equal("message size limit exceeded", (await sdk.ReceivesAsync("disconnected")).GetProperty("reason").GetString());
    }

    private static bool IsNotTheFirst(JsonElement connecting) => connecting.GetProperty("reason").GetString() != "connect called";

    // The end of a stream may reach the SDK's client before it has looked at the last line, and means the same to it.
    private static string[] ReasonsOf(string transport, string reason)
        => transport == "websocket" ? [reason] : [reason, "transport closed"];

    private static async Task<int> PresentAsync(HttpClient http) =>
        (await RelayHost.CallAsync(http, "presence_stats", """{"channel":"kept:room"}""")).GetProperty("result").GetProperty("num_clients")
            .GetInt32();

    private static Task<HostProcess> StartHostAsync(params (string Name, string Value)[] more) => HostProcess.StartAsync([
        ("Weir__Rooms__0__Pattern", "kept:*"),
        ("Weir__Rooms__0__HistorySize", "1000"),
        ("Weir__Rooms__0__Presence", "true"),
        ("Weir__Api__Key", RelayHost.Key),
        ("Weir__Broker__MemoryMegabytes", "200"),
        ("Weir__Drain__Window", "100ms"),
        ("DOTNET_gcServer", "0"),
        .. more]);
}
