using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Weir.Integration.Relay;
using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Integration.Nodes;

/// <summary>
/// A node that was stopped, or starved of the processor, for longer than every time-out it has: time in which a process did
/// not run counts for none of its peers, neither Redis nor its clients, and data that has arrived meanwhile is read before a timeout.
/// </summary>
[Collection(Alone.Name)]
public sealed class PausedNodeTests(ITestOutputHelper output)
{
    private const string Room = "kept:room";
    private const int Publishers = 32;
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(6);

    [Fact]
    public Task Node_StoppedForLongerThanItsTimeouts_ClosesNoClient_AndReportsRedisAvailable()
        => RunAsync(static async host =>
        {
            host.Stop();
            await Waiting.PassAsync(_pause);
            host.Continue();
        });

    [Fact]
    public Task Node_StarvedOfTheProcessor_ClosesNoClient_AndReportsRedisAvailable()
        => RunAsync(static async host =>
        {
            // Twenty-four of twenty-five parts of the time.
            for (int slice = 0; slice < 25; slice++)
            {
                host.Stop();
                await Waiting.PassAsync(TimeSpan.FromMilliseconds(240));
                host.Continue();
                await Waiting.PassAsync(TimeSpan.FromMilliseconds(10));
            }
        });

    private async Task RunAsync(Func<HostProcess, Task> disturbAsync)
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using HostProcess host = await StartAsync(redis);
        using HttpClient http = RelayHost.NewClient(host);
        await Waiting.UntilAsync(async () => await http.GetStringAsync("/health/ready").Within() == "Healthy", "the node has Redis",
            Bounded.StartLimit);
        try
        {
            // One that answers Pings, one of Centrifugo's protocol and answers its pings, one that only reads.
            using ClientWebSocket raw = await WebSockets.ConnectAsync(AddressOf(host, $"/ws?room={Room}"));
            using ClientWebSocket centrifugo = await WebSockets.ConnectAsync(AddressOf(host, "/connection/websocket"));
            await centrifugo.SendAsync("""{"id":1,"connect":{}}""" + "\n" + $$$"""{"id":2,"subscribe":{"channel":"{{{Room}}}"}}""");
            using EventStream stream = await EventStream.OpenAsync(http, $"/sse?room={Room}");
            List<string> ofRaw = [], ofCentrifugo = [], ofStream = [];
            Task[] listening =
            [
                ListenAsync(raw, ofRaw, static text => [JsonSerializer.Deserialize<string>(text)!]),
                ListenAsync(centrifugo, ofCentrifugo, DataOf, static text => text == "{}"),
                ListenAsync(stream, ofStream),
            ];

            List<string> published = [];
            using CancellationTokenSource enough = new();
            Task[] publishing =
                [.. Enumerable.Range(0, Publishers).Select(publisher => PublishAsync(http, publisher, published, enough.Token))];
            await Bounded.Eventually(() => CountOf(ofRaw) > Publishers && CountOf(ofCentrifugo) > Publishers
                && CountOf(ofStream) > Publishers);

            await disturbAsync(host);

            // Requested at once and repeatedly, for longer than a probe's interval and timeout.
            for (int look = 0; look < 30; look++)
            {
                Assert.Equal("Healthy", await http.GetStringAsync("/health/ready").Within());
                await Waiting.PassAsync(TimeSpan.FromMilliseconds(100));
            }

            await enough.CancelAsync();
            await Task.WhenAll(publishing).Within(); // each was answered, and none with an error
            foreach (List<string> received in (List<string>[])[ofRaw, ofCentrifugo, ofStream])
            {
                await Bounded.Eventually(() => CountOf(received) == published.Count || listening.Any(static each => each.IsCompleted));
                lock (received)
                {
                    Assert.Equal(published.Order(), received.Order());
                }
            }

            Assert.Equal(ofRaw, ofStream);
            Assert.Equal(ofRaw, ofCentrifugo);
            Assert.DoesNotContain(listening, static each => each.IsCompleted);
            Assert.Equal((WebSocketState.Open, WebSocketState.Open), (raw.State, centrifugo.State));
            Assert.Equal(0, await host.MetricAsync("weir_heartbeats_missed_total"));
            Assert.Empty(host.Warnings);
        }
        catch
        {
            output.WriteLine($"{host.Output}{host.Errors}");
            throw;
        }
    }

    private static Task<HostProcess> StartAsync(RedisServer redis) => HostProcess.StartAsync(
        ("Weir__Broker__Kind", "Redis"),
        ("Weir__Broker__Timeout", "500ms"),
        ("Weir__Redis__Configuration", redis.Address),
        ("Weir__Redis__ProbeInterval", "300ms"),
        ("Weir__Redis__ProbeTimeout", "500ms"),
        ("Weir__Redis__RequestTimeout", "500ms"),
        ("Weir__Heartbeat__Interval", "1s"),
        ("Weir__Heartbeat__Timeout", "500ms"),
        ("Weir__Pressure__MaxDelay", "2s"),
        ("Weir__Api__Key", RelayHost.Key),
        ("Weir__Rooms__0__Pattern", "kept:*"),
        ("Weir__Rooms__0__HistorySize", "100000"),
        ("DOTNET_gcServer", "0"));

    private static Uri AddressOf(HostProcess host, string target) => new($"ws://127.0.0.1:{host.Port}{target}");

    // As fast as it is answered, so that requests to Redis are under way at any moment.
    private static async Task PublishAsync(HttpClient http, int publisher, List<string> published, CancellationToken enough)
    {
        for (int number = 0; !enough.IsCancellationRequested; number++)
        {
            string text = $"p{publisher}-{number}";
            JsonElement answer = await RelayHost.CallAsync(http, "publish", $$"""{"channel":"{{Room}}","data":"{{text}}"}""");
            Assert.True(answer.TryGetProperty("result", out _), answer.GetRawText());
            lock (published)
            {
                published.Add(text);
            }

        }
    }

    private static async Task ListenAsync(ClientWebSocket client, List<string> received, Func<string, IEnumerable<string>> textsOf,
        Func<string, bool>? isPing = null)
    {
        while (true)
        {
            string text = await client.ReceiveTextAsync();
            if (isPing?.Invoke(text) is true)
            {
                await client.SendAsync("{}");
                continue;
            }

            lock (received)
            {
                received.AddRange(textsOf(text));
            }
        }
    }

    private static async Task ListenAsync(EventStream stream, List<string> received)
    {
        while (true)
        {
            StreamEvent next = await stream.ReadAsync();
            lock (received)
            {
                received.Add(next.Name == "lost" ? "lost" : JsonSerializer.Deserialize<string>(next.Data)!);
            }
        }
    }

    private static IEnumerable<string> DataOf(string frame)
    {
        foreach (string line in frame.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            JsonElement reply = JsonDocument.Parse(Encoding.UTF8.GetBytes(line)).RootElement;
            if (reply.TryGetProperty("push", out JsonElement push) && push.TryGetProperty("pub", out JsonElement publication))
            {
                yield return publication.GetProperty("data").GetString()!;
            }
        }
    }

    private static int CountOf(List<string> received)
    {
        lock (received)
        {
            return received.Count;
        }
    }
}
