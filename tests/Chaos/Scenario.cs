using Weir.Testing;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Chaos;

/// <summary>Traffic on a fleet, the trouble in the middle of it, and the check.</summary>
internal static class Scenario
{
    private const int Rooms = 10;

    /// <summary>Runs it, writes the report, and fails on a violation.</summary>
    public static async Task<Report> RunAsync(Fleet fleet, ITestOutputHelper output, Func<Task> trouble)
    {
        Report report;
        try
        {
            report = await RunAsync(fleet, trouble);
        }
        catch
        {
            output.WriteLine(fleet.Output);
            throw;
        }

        output.WriteLine(report.ToString());
        if (Environment.GetEnvironmentVariable("WEIR_CHAOS_REPORT") is { Length: > 0 } path)
        {
            await File.AppendAllTextAsync(path, $"{TestContext.Current.TestMethod?.MethodName}: {report}\n");
        }

        Assert.True(report.Confirmed > 10);
        Assert.Empty(report.Violations.Take(20));
        return report;
    }

    // Listeners on all nodes, a publisher on each, and after a third of the time the trouble.
    private static async Task<Report> RunAsync(Fleet fleet, Func<Task> trouble)
    {
        string[] rooms = [.. Enumerable.Range(0, Rooms).Select(static i => $"room{i}")];
        List<Listener> listeners =
            [.. Enumerable.Range(0, Timeline.Listeners).Select(i => new Listener(fleet, rooms[i % Rooms], i / Rooms))];
        List<Publisher> publishers = [.. Enumerable.Range(0, fleet.Count).Select(node => new Publisher(fleet, node, rooms))];
        try
        {
            listeners.ForEach(static listener => listener.Start());
            await Bounded.Eventually(() => listeners.TrueForAll(static listener => listener.Last is not null), Timeline.Limit);

            using CancellationTokenSource enough = new();
            Task publishing = Task.WhenAll(publishers.Select(publisher => Task.Run(() => publisher.RunAsync(enough.Token))));
            Task time = Task.Delay(Timeline.Traffic, TimeProvider.System, CancellationToken.None);
            await Task.Delay(Timeline.Traffic / 3, TimeProvider.System, CancellationToken.None);
            await trouble();
            await time;
            await enough.CancelAsync();
            await publishing.Within(Timeline.Limit);

            // One more to each room, confirmed: a listener with it has received all, or was notified of a loss.
            foreach (string room in rooms)
            {
                Position? end = null;
                int attempt = 0;
                await Waiting.UntilAsync(
                    async () => (end = await publishers[^1].TryPublishAsync(room, $"end of {room}, {attempt++}")) is not null,
                        $"{room} can be published to", Timeline.Limit);
                await Bounded.Eventually(
                    () => listeners.TrueForAll(listener => listener.Room != room || listener.Last == end), Timeline.Limit,
                        $"all listeners of {room} are at {end}");
            }
        }
        finally
        {
            await Task.WhenAll(listeners.Select(static listener => listener.DisposeAsync().AsTask()));
        }

        return ReceiptCheck.Of(
            [.. listeners.Select(static listener => listener.Account)],
            publishers.SelectMany(static publisher => publisher.Confirmed),
            publishers.Sum(static publisher => publisher.Failed));
    }
}
