using System.Diagnostics;
using System.Globalization;
using Weir.Relay.Brokers;

namespace Weir.Bench.Brokers;

/// <summary>Publishes of one process through several brokers, in turn.</summary>
internal static class BrokerComparison
{
    private const int Rounds = 6;
    private const int Requests = 100_000;

    private static readonly Publication _publication = new() { Data = new byte[64], Node = "bench", NodeSequence = 1 };

    /// <summary>Starts all, and waits until they are up.</summary>
    public static async Task StartAsync(IEnumerable<(string Name, IBroker Broker)> brokers)
    {
        foreach ((_, IBroker broker) in brokers)
        {
            await broker.StartAsync(new DeafSink(), CancellationToken.None);
            while (broker.Health != BrokerHealth.Up)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
            }
        }
    }

    /// <summary>
    /// Publishes through each in turn, and prints the fastest round of each; returns the ratio of the second to the first.
    /// </summary>
    public static async Task<double> RunAsync(
        TextWriter output, string what, (string Name, IBroker Broker)[] brokers, RoomRule rule, int rooms, int inFlight)
    {
        string[] names = [.. Enumerable.Range(0, rooms).Select(static i => string.Create(CultureInfo.InvariantCulture, $"bench:{i}"))];
        double[] best = new double[brokers.Length];
        double[] processor = new double[brokers.Length];
        Array.Fill(processor, double.PositiveInfinity);
        for (int round = 0; round <= Rounds; round++)
        {
            for (int i = 0; i < brokers.Length; i++)
            {
                TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
                double rate = await PublishAsync(brokers[i].Broker, rule, names, inFlight, round == 0 ? Requests / 4 : Requests);
                double each = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalMicroseconds / Requests;
                if (round > 0)
                {
                    // Of short rounds some are undisturbed, also on a shared machine.
                    best[i] = Math.Max(best[i], rate);
                    processor[i] = Math.Min(processor[i], each);
                }
            }
        }

        output.WriteLine(what);
        for (int i = 0; i < brokers.Length; i++)
        {
            output.WriteLine($"  {brokers[i].Name,-12} {best[i],10:N0} publishes/s   {processor[i]:F1} us of this process each");
        }

        output.WriteLine($"  ratio {best[1] / best[0]:F2}");
        return best[1] / best[0];
    }

    /// <summary>Publishes so many, and returns how many a second.</summary>
    public static async Task<double> PublishAsync(IBroker broker, RoomRule rule, string[] rooms, int inFlight, int count)
    {
        int left = count;
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(async _ =>
        {
            int number;
            while ((number = Interlocked.Decrement(ref left)) >= 0)
            {
                await broker.PublishAsync(rooms[number % rooms.Length], _publication, rule, CancellationToken.None);
            }
        }));
        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Restricts a server to the first core.</summary>
    public static void Pin(int process)
    {
        using Process taskset = Process.Start(new ProcessStartInfo("taskset", ["-a", "-p", "-c", "0", $"{process}"]) { RedirectStandardOutput = true })!;
        taskset.WaitForExit();
    }

    private sealed class DeafSink : IBrokerSink
    {
        public string NodeId => "bench";

        public void OnPublication(string room, Publication publication, string epoch)
        {
            // There are no subscriptions.
        }

        public void OnPresenceChanged(string room, RoomMember member, bool hasJoined)
        {
            // Nor presence.
        }

        public void OnControl(ReadOnlyMemory<byte> message)
        {
            // There is no other node.
        }

        public void OnHealthChanged(BrokerHealth health)
        {
            // Queried where it matters.
        }
    }
}
