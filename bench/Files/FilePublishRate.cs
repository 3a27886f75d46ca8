using System.Globalization;
using Weir.Brokers.File;
using Weir.Relay;
using Weir.Relay.Brokers;

namespace Weir.Bench.Files;

/// <summary>
/// Publishes per second of the brokers of a single node: memory, and files with each policy. 128 bytes to 100 rooms that keep 100; one, 64
/// and 1,024 publishes in flight; in rounds, so that all share the state of the machine.
/// </summary>
internal static class FilePublishRate
{
    private const int Rounds = 5;

    private static readonly TimeSpan _length = TimeSpan.FromSeconds(1);
    private static readonly int[] _inFlight = [1, 64, 1024];
    private static readonly string[] _rooms = [.. Enumerable.Range(0, 100).Select(static i => $"room{i}")];
    private static readonly RoomRule _rule = new() { HistorySize = 100 };
    private static readonly Publication _publication = new() { Data = new byte[128] };

    public static async Task<int> RunAsync(TextWriter output)
    {
        string folder = Directory.CreateTempSubdirectory("weir-bench-").FullName;
        (string Name, IBroker Broker)[] brokers =
        [
            ("Memory", new MemoryBroker()),
            .. Enum.GetValues<FileSync>().Select(sync => (
                $"File, {sync}", (IBroker)new FileBroker(new FileBrokerOptions { Path = Path.Combine(folder, $"{sync}"), Sync = sync }))),
        ];
        foreach ((_, IBroker broker) in brokers)
        {
            await broker.StartAsync(new Sink(), CancellationToken.None);
        }

        output.WriteLine($"Publishes per second, median of {Rounds} rounds; {Environment.ProcessorCount} processors");
        output.WriteLine("| broker | " + string.Join(" | ", _inFlight.Select(static count => $"{count} in flight")) + " |");
        output.WriteLine("|---|" + string.Concat(_inFlight.Select(static _ => "---:|")));
        Dictionary<(string, int), List<double>> rates = [];
        for (int round = 0; round <= Rounds; round++) // the first warms up
        {
            foreach ((string name, IBroker broker) in brokers)
            {
                foreach (int inFlight in _inFlight)
                {
                    double rate = await MeasureAsync(broker, inFlight);
                    if (round > 0)
                    {
                        (rates.TryGetValue((name, inFlight), out List<double>? all) ? all : rates[(name, inFlight)] = []).Add(rate);
                    }
                }
            }
        }

        foreach ((string name, IBroker broker) in brokers)
        {
            output.WriteLine($"| {name} | " + string.Join(" | ", _inFlight.Select(
                count => rates[(name, count)].Order().ElementAt(Rounds / 2).ToString("N0", CultureInfo.InvariantCulture))) + " |");
            await broker.DisposeAsync();
        }

        Directory.Delete(folder, recursive: true);
        return 0;
    }

    // One loop with a ring of pending publishes, as a node has them.
    private static async Task<double> MeasureAsync(IBroker broker, int inFlight)
    {
        Task<StreamPosition>?[] pending = new Task<StreamPosition>?[inFlight];
        long start = TimeProvider.System.GetTimestamp();
        long count = 0;
        for (; TimeProvider.System.GetElapsedTime(start) < _length; count++)
        {
            int slot = (int)(count % inFlight);
            if (pending[slot] is { } earlier)
            {
                await earlier;
            }

            pending[slot] = Pending(broker.PublishAsync(_rooms[count % _rooms.Length], _publication, _rule, CancellationToken.None));
        }

        await Task.WhenAll(pending.OfType<Task<StreamPosition>>());
        return count / TimeProvider.System.GetElapsedTime(start).TotalSeconds;
    }

    // Of one that has completed there is nothing to wait for, and nothing to allocate.
    private static Task<StreamPosition>? Pending(ValueTask<StreamPosition> publish)
        => publish.IsCompletedSuccessfully ? null : publish.AsTask();

    private sealed class Sink : IBrokerSink
    {
        public string NodeId => "bench";

        public void OnPublication(string room, Publication publication, string epoch)
        {
        }

        public void OnPresenceChanged(string room, RoomMember member, bool hasJoined)
        {
        }

        public void OnControl(ReadOnlyMemory<byte> message)
        {
        }

        public void OnHealthChanged(BrokerHealth health)
        {
        }
    }
}
