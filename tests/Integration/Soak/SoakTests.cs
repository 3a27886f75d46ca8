using Weir.Integration.Servers;
using Weir.Rooms;
using Weir.Testing;
using Xunit;

namespace Weir.Integration.Soak;

/// <summary>Two thousand connections that come, join, publish, leave and go at random; every delivery is accounted for.</summary>
public sealed class SoakTests(ITestOutputHelper output)
{
    private const int Connections = 2000;
    private const int Steps = 10;
    private const int Seed = 6455;

    [Fact]
    public async Task Rooms_UnderRandomTraffic_GiveEachMemberExactlyWhatWasPublishedWhileItWasIn()
    {
        SoakLedger ledger = new();
        RoomDirectory rooms = new();
        await using TestServer server = await TestServer.StartAsync(
            listen => listen.UseWeir("/soak", new SoakHandler(ledger, rooms), NoHeartbeat.Configure));
        int lastId = 0;
        SoakClient[] clients = [.. Enumerable.Range(0, Connections).Select(
            index => new SoakClient(server, ledger, Seed + index, () => Interlocked.Increment(ref lastId)))];

        // A few at a time, for the sake of the listener's backlog.
        ParallelOptions fewAtATime = new() { MaxDegreeOfParallelism = 64 };
        await Parallel.ForEachAsync(clients, fewAtATime, static async (client, _) => await client.OpenAsync());
        Assert.Equal(Connections, server.Metrics.Sum("weir.connections.active"));
        await Task.WhenAll(clients.Select(static client => client.RunAsync(Steps))).Within(TimeSpan.FromSeconds(60));
        await Task.WhenAll(clients.Select(static client => client.CloseAsync())).Within(TimeSpan.FromSeconds(60));

        await Bounded.Eventually(() => server.Metrics.Sum("weir.connections.active") == 0);
        IReadOnlyList<string> violations = ledger.FindViolations();
        output.WriteLine($"{ledger.Members} members, {ledger.Publications} publications, {ledger.Deliveries} deliveries");
        Assert.True(violations.Count == 0, $"Seed {Seed}: {violations.Count} violations\n{string.Join('\n', violations.Take(20))}");
        Assert.True(ledger.Deliveries > 100_000, $"Only {ledger.Deliveries} deliveries: the test has become weak.");
        Assert.Equal(0, rooms.Count);
        Assert.Equal(0, server.Metrics.Sum("weir.connections.too_slow"));
        Array.ForEach(clients, static client => client.Dispose());
    }
}
