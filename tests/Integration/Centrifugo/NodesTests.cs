using System.Globalization;
using System.Text.Json;
using Weir.Integration.Relay;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Integration.Centrifugo;

/// <summary>Clients of the SDK on two Hosts that share a Redis.</summary>
public sealed class NodesTests
{
    private const int Clients = 20;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task NodeThatIsKilled_ItsClientsReconnectToTheOther_AndLoseNothing()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using HostProcess one = await StartHostAsync(redis);
        await using HostProcess two = await StartHostAsync(redis);
        using HttpClient http = RelayHost.NewClient(two);
        await IsReadyAsync(one);
        await IsReadyAsync(two);
        await using SdkProcess sdk = await SdkProcess.StartAsync("node", "websocket", one.Port, two.Port);
        for (int i = 0; i < Clients; i++)
        {
            await sdk.DoAsync($$"""{"client":"{{i}}","do":"connect"}""");
            await sdk.DoAsync($$"""{"client":"{{i}}","do":"subscribe","channel":"room"}""");
        }

        long published = 0;
        using CancellationTokenSource enough = new();
        Task publishing = PublishAsync();
        await sdk.ReceivesAsync("publication", static each => each.GetProperty("offset").GetInt64() >= 50, client: "0");

        one.Kill();

        for (int i = 0; i < Clients; i++)
        {
            await sdk.ReceivesAsync("subscribed", static each => each.GetProperty("recovered").GetBoolean(), Name(i));
        }

        await enough.CancelAsync();
        await publishing.Within(_limit);
        long last = Volatile.Read(ref published);
        for (int i = 0; i < Clients; i++)
        {
            await Bounded.Eventually(() => sdk.OffsetsOf("room", Name(i)) is [.., long newest]
                && newest == last, _limit, $"client {i} has received all");
            Assert.Equal(Enumerable.Range(1, (int)last).Select(static each => (long)each), sdk.OffsetsOf("room", Name(i)));
            Assert.All(sdk.EventsOf("publication", Name(i)),
                static each => Assert.Equal(each.GetProperty("offset").GetInt64(), each.GetProperty("data").GetInt64()));
        }

        async Task PublishAsync()
        {
            while (!enough.IsCancellationRequested)
            {
                JsonElement answer = await RelayHost.CallAsync(http, "publish", $$"""{"channel":"room","data":{{published + 1}}}""");
                Volatile.Write(ref published, answer.GetProperty("result").GetProperty("offset").GetInt64());
            }
        }
    }

    [Theory]
    [InlineData("sse")]
    [InlineData("http_stream")]
    public async Task CommandsOfAStream_ReachTheirSession_ThroughTheOtherNode(string transport)
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using HostProcess one = await StartHostAsync(redis);
        await using HostProcess two = await StartHostAsync(redis);
        await IsReadyAsync(one);
        await IsReadyAsync(two);
        await using SdkProcess sdk = await SdkProcess.StartAsync("node", transport, one.Port, two.Port);
        await using SdkProcess other = await SdkProcess.StartAsync("node", "websocket", two.Port);
        await sdk.DoAsync("""{"do":"connect"}""");
        await other.DoAsync("""{"do":"connect"}""");

        await sdk.DoAsync("""{"do":"subscribe","channel":"room"}""");
        await other.DoAsync("""{"do":"subscribe","channel":"room"}""");
        await sdk.DoAsync("""{"do":"publish","channel":"room","data":"from the stream"}""");
        await other.DoAsync("""{"do":"publish","channel":"room","data":"from the socket"}""");

        foreach (SdkProcess each in (SdkProcess[])[sdk, other])
        {
            await each.ReceivesAsync("publication", static received => received.GetProperty("offset").GetInt64() == 2);
            Assert.Equal(["from the stream", "from the socket"], each.EventsOf("publication")
                .Select(static received => received.GetProperty("data").GetString()));
        }

        Assert.Equal(2, (await sdk.DoAsync("""{"do":"presenceStats","channel":"room"}""")).GetProperty("numClients").GetInt32());
    }

    // The SDK drops the promise of each command's request; one that rejects would end all clients of the process.
    [Theory]
    [InlineData("sse")]
    [InlineData("http_stream")]
    public async Task CommandOfAStream_WhoseNodeHasEnded_FailsAlone_AndItsClientContinues(string transport)
    {
        await using HostProcess host = await HostProcess.StartAsync();
        int gone = RedisServer.FreePort();
        await using SdkProcess sdk = await SdkProcess.StartAsync("node", transport, host.Port, gone);
        await sdk.DoAsync("""{"do":"connect"}""");

        JsonElement answer = await sdk.TryAsync("""{"do":"publish","channel":"room","data":1}""");

        Assert.True(answer.TryGetProperty("error", out _), answer.ToString());
        await sdk.ReceivesAsync("fetch failed");
        Assert.Equal("connected", (await sdk.DoAsync("""{"do":"state"}""")).GetString());
    }

    private static string Name(int client) => client.ToString(CultureInfo.InvariantCulture);

    private static async Task IsReadyAsync(HostProcess host)
    {
        using HttpClient http = RelayHost.NewClient(host);
        await Waiting.UntilAsync(async () => await http.GetStringAsync("/health/ready").Within() == "Healthy", "the node has Redis",
            _limit);
    }

    private static Task<HostProcess> StartHostAsync(RedisServer redis) => HostProcess.StartAsync(
        ("Weir__Broker__Kind", "Redis"),
        ("Weir__Redis__Configuration", redis.Address),
        ("Weir__Rooms__0__Pattern", "*"),
        ("Weir__Rooms__0__HistorySize", "100000"),
        ("Weir__Rooms__0__Presence", "true"),
        ("Weir__Api__Key", RelayHost.Key),
        ("DOTNET_gcServer", "0"));
}
