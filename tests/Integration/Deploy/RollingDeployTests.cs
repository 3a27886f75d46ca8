using System.Diagnostics;
using System.Globalization;
using Weir.Integration.Relay;
using Weir.Testing;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Integration.Deploy;

/// <summary>
/// Two nodes behind nginx, one replaced after the other while messages flow: all clients reconnect, no message is lost or repeated, and the
/// reconnects do not come all at once. Then a node is killed instead, to compare. Small here; as large as
/// wanted with <c>WEIR_ROLLING_CLIENTS=5000</c> (docs/operations/deploying.md).
/// </summary>
[Collection(Alone.Name)]
public sealed class RollingDeployTests(ITestOutputHelper output)
{
    private const int Rooms = 20;
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan _between = TimeSpan.FromMilliseconds(50);
    private static readonly string? _asked = Environment.GetEnvironmentVariable("WEIR_ROLLING_CLIENTS");
    private static readonly bool _isFull = _asked is not null;
    private static readonly int _clients = int.Parse(_asked ?? "800", CultureInfo.InvariantCulture);

    [Fact]
    public async Task AllReconnect_NoMessageIsLostOrRepeated_AndTheDrainSpreadsThem()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        (string, string)[] settings =
        [
            ("Weir__Broker__Kind", "Redis"),
            ("Weir__Redis__Configuration", redis.Address),
            ("Weir__Rooms__0__Pattern", "*"),
            ("Weir__Rooms__0__HistorySize", "10000"),
            ("Weir__Rooms__0__Durable", "true"), // else messages to a node without its link to Redis get no offset
            ("Weir__Api__Key", RelayHost.Key),
            ("Weir__Heartbeat__Interval", "25s"),
            ("DOTNET_gcServer", "0"),
        ];
        await using TwoNodes nodes = await TwoNodes.StartAsync(settings);
        await Task.WhenAll(nodes.IsReadyAsync(0), nodes.IsReadyAsync(1));
        await using LoadBalancer nginx = await LoadBalancer.StartNginxAsync("nginx.conf", nodes.Ports);
        await using Fleet fleet = await Fleet.StartAsync(new Uri($"wss://127.0.0.1:{nginx.Port}/connection/websocket"), _clients, Rooms, _limit);
        using CancellationTokenSource enough = new();
        Task<long[]> publishing = PublishAsync([.. nodes.Ports.Select(static port => new Uri($"http://127.0.0.1:{port}"))], enough.Token);

        (int Losses, int Returns) drained = default;
        foreach (int node in (int[])[0, 1])
        {
            fleet.BeginPhase();
            int there = (int)await nodes[node].MetricAsync("weir_connections_active");
            long start = Stopwatch.GetTimestamp();
            nodes[node].Terminate();
            await nodes[node].ExitAsync(_limit);
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            await nodes.RestartAsync(node, settings);
            await nodes.IsReadyAsync(node);
            await AreBackAsync();
            WriteCurve($"node {node} drained, {there} clients, in {took.TotalSeconds:F1} s", fleet);
            drained = (Math.Max(drained.Losses, fleet.PeakOfLosses()), Math.Max(drained.Returns, fleet.PeakOfReturns()));
        }

        // All of them are on the first node now. The same number at once:
        fleet.BeginPhase();
        int killed = (int)await nodes[0].MetricAsync("weir_connections_active");
        nodes[0].Kill();
        await nodes.RestartAsync(0, settings);
        await AreBackAsync();
        WriteCurve($"node 0 killed, {killed} clients", fleet);

        await enough.CancelAsync();
        long[] tops = await publishing.Within(_limit);
        await Bounded.Eventually(() => fleet.Listeners.All(listener => listener.Last == TopOf(listener)), _limit,
            "all clients have received all");
        output.WriteLine($"{tops.Sum()} publications in {Rooms} rooms, {tops.Sum() * _clients / Rooms} deliveries");
        Assert.Empty(fleet.Listeners.SelectMany(static listener => listener.Complaints));
        Assert.All(tops, static top => Assert.True(top > 0));
        Assert.True(drained.Losses < fleet.PeakOfLosses() / 2,
            $"{drained.Losses} a second lost their connection in a drain, and {fleet.PeakOfLosses()} when killed.");
        if (_isFull)
        {
            // In the small form a busy machine may accept them no faster after a kill than a drain closes them.
            Assert.True(drained.Returns < fleet.PeakOfReturns(),
                $"{drained.Returns} a second came back after a drain, and {fleet.PeakOfReturns()} after a kill.");
        }

        // By the nodes' counts too: a client whose node was killed may not have noticed yet.
        async Task AreBackAsync()
        {
            await nodes.UntilAsync(_clients, _limit);
            await Bounded.Eventually(() => fleet.Standing == _clients, _limit, "everybody stands in his room");
        }

        long TopOf(Fleet.Listener listener)
            => tops[int.Parse(listener.Subscription.Channel["room".Length..], CultureInfo.InvariantCulture)];
    }

    private void WriteCurve(string what, Fleet fleet) =>
        output.WriteLine($"{what}: at most {fleet.PeakOfLosses()} a second were lost, and {fleet.PeakOfReturns()} reconnected; second by second {string.Join(' ', fleet.Curve())}");

    /// <summary>Publishes to one room after another, by whichever node answers; returns where each room is at the end.</summary>
    private static async Task<long[]> PublishAsync(Uri[] nodes, CancellationToken enough)
    {
        using HttpClient http = new() { Timeout = TimeSpan.FromSeconds(5) };
        int turn = 0;
        for (int room = 0; !enough.IsCancellationRequested; room = (room + 1) % Rooms)
        {
            await CallAsync("publish", $$$"""{"channel":"{{{Fleet.RoomOf(room)}}}","data":{}}""");
            await Task.Delay(_between, TimeProvider.System, enough).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        long[] tops = new long[Rooms];
        for (int room = 0; room < Rooms; room++)
        {
            string answer = await CallAsync("history", $$"""{"channel":"{{Fleet.RoomOf(room)}}","limit":0}""");
            using System.Text.Json.JsonDocument result = System.Text.Json.JsonDocument.Parse(answer);
            tops[room] = result.RootElement.GetProperty("result").GetProperty("offset").GetInt64();
        }

        return tops;

        // One that fails may have been stored all the same. That has no effect here: only the contents of the rooms count.
        async Task<string> CallAsync(string method, string body)
        {
            long start = Stopwatch.GetTimestamp();
            while (true)
            {
                try
                {
                    using HttpRequestMessage request =
                        new(HttpMethod.Post, new Uri(nodes[turn++ % nodes.Length], $"/api/{method}")) { Content = new StringContent(body) };
                    request.Headers.Add("X-API-Key", RelayHost.Key);
                    using HttpResponseMessage response = await http.SendAsync(request, CancellationToken.None);
                    string answer = await response.Content.ReadAsStringAsync(CancellationToken.None);
                    if (response.IsSuccessStatusCode && answer.Contains("\"result\"", StringComparison.Ordinal))
                    {
                        return answer;
                    }
                }
                catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
                {
                    // That node is being replaced.
                }

                Assert.True(Stopwatch.GetElapsedTime(start) < _limit, "No node answers.");
                await Task.Delay(_between, TimeProvider.System, CancellationToken.None);
            }
        }
    }
}
