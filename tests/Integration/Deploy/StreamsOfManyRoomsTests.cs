using System.Globalization;
using Weir.Integration.Relay;
using Weir.Testing;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Integration.Deploy;

/// <summary>
/// Streams of many rooms through nginx, with Redis between two nodes: their ids stay short enough for a request header, and a stream that
/// was aborted continues at the other node without a gap or a repetition in any room.
/// </summary>
public sealed class StreamsOfManyRoomsTests
{
    private const int MostIdBytes = 1000;
    private const int Rounds = 6;

    [Theory]
    [InlineData(40)]
    [InlineData(450)]
    public async Task Stream_AbortedRepeatedly_MissesNone_AndRepeatsNone(int rooms)
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using TwoNodes nodes = await TwoNodes.StartAsync(
            ("Weir__Api__Key", RelayHost.Key),
            ("Weir__Broker__Kind", "Redis"),
            ("Weir__Redis__Configuration", redis.Address),
            ("Weir__Rooms__0__Pattern", "*"),
            ("Weir__Rooms__0__HistorySize", "1000"));
        await Task.WhenAll(nodes.IsReadyAsync(0), nodes.IsReadyAsync(1));
        await using LoadBalancer first = await LoadBalancer.StartNginxAsync("nginx.conf", [nodes.Ports[0], nodes.Ports[0]]);
        await using LoadBalancer second = await LoadBalancer.StartNginxAsync("nginx.conf", [nodes.Ports[1], nodes.Ports[1]]);
        HttpClient[] proxies = [first.NewHttpClient(), second.NewHttpClient()];
        using HttpClient backEnd = RelayHost.NewClient(nodes[0]);
        string target = "/sse?" + string.Join('&', Enumerable.Range(0, rooms).Select(static room => $"room=r{room}"));
        int[] published = new int[rooms];
        int[] given = new int[rooms];
        int longest = 0;
        string? last = null;
        for (int round = 0; round < Rounds; round++)
        {
            int missed = published.Sum() - given.Sum();
            using EventStream stream = await EventStream.OpenAsync(proxies[round % 2], target, last);
            Task publishing = PublishAsync(round);

            // Aborted while it catches up, or while more is published; the last one gets all.
            int all = missed + RoomsOf(round).Count();
            for (int events = 0; events < (round == Rounds - 1 ? all : all / 2); events++)
            {
                Take(await stream.ReadAsync());
                last = stream.LastId;
            }

            stream.Dispose();
            await publishing.Within();
        }

        Assert.Equal(published, given);
        Assert.InRange(longest, 1, MostIdBytes);
        Array.ForEach(proxies, static each => each.Dispose());

        // Every third room each round, beginning with another one each time: rooms with much, with little, and with none yet.
        IEnumerable<int> RoomsOf(int round) => Enumerable.Range(0, rooms).Where(room => room % 3 == round % 3);

        async Task PublishAsync(int round)
        {
            foreach (int room in RoomsOf(round))
            {
                int number = Interlocked.Increment(ref published[room]);
                await RelayHost.CallAsync(backEnd, "publish", $$"""{"channel":"r{{room}}","data":"r{{room}}:{{number}}"}""");
            }
        }

        void Take(StreamEvent received)
        {
            Assert.Equal("", received.Name); // no event is a loss
            string[] parts = received.Data.Trim('"')[1..].Split(':');
            int room = int.Parse(parts[0], CultureInfo.InvariantCulture);
            Assert.Equal(++given[room], int.Parse(parts[1], CultureInfo.InvariantCulture));
            longest = Math.Max(longest, received.LastId.Length);
        }
    }
}
