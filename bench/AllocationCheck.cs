using Weir.Bench.Connections;
using Weir.Bench.Rooms;

namespace Weir.Bench;

/// <summary>
/// Checks the hot paths against their budget: the allocations of a message, counted and not timed, so that it can fail a build
/// on any machine, however busy.
/// </summary>
internal static class AllocationCheck
{
    private const int Rounds = 5;
    private const int RunsPerRound = 500;

    /// <summary>
    /// Messages through a connection, and deliveries to a member, allocate nothing; nor do the waits for a client to which four
    /// times as much is sent as its transport holds.
    /// </summary>
    private const double BudgetBytes = 0;

    /// <summary>Runs all checks and writes a line for each; returns <c>false</c> if one is over its budget.</summary>
    public static bool Run(TextWriter report)
    {
        bool good = true;
        foreach (int bytes in (int[])[20, 125, 1024, 16 * 1024])
        {
            foreach (int batch in (int[])[1, 16])
            {
                using EchoSession echo = new(Payloads.Json(bytes, seed: 1), batch);
                good &= Measure(report, $"echo, {bytes} B, {batch} at a time", batch, echo.Exchange);
            }
        }

        PublishBenchmarks publish = new();
        publish.Setup();
        good &= Measure(report, "publish, 100 B to 10,000", 10_000, publish.Publish);
        good &= Measure(report, "publish, 16 x 100 B to 10,000", 160_000, publish.PublishSixteen);

        DeflatedPublishBenchmarks deflated = new();
        deflated.Setup();
        good &= Measure(report, "publish, 512 B deflated to 1,000", 1_000, deflated.PublishDeflated);

        RelayPublishBenchmarks relay = new();
        relay.Setup();
        good &= Measure(report, "relay on one node, 100 B to 1,000", 1_000, relay.Alone);
        relay.Cleanup();
        return good;
    }

    private static bool Measure(TextWriter report, string name, int messagesPerRun, Action run)
    {
        // The first rounds fill the pools. The best of the rest counts: the runtime's own threads allocate too.
        long least = long.MaxValue;
        for (int round = 0; round <= Rounds; round++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < RunsPerRound; i++)
            {
                run();
            }

            long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
            least = round == 0 ? least : Math.Min(least, allocated);
        }

        double perMessage = (double)least / RunsPerRound / messagesPerRun;
        bool within = perMessage <= BudgetBytes;
        report.WriteLine($"{(within ? "ok  " : "OVER")} {name,-34} {perMessage,8:0.###} B per message, budget {BudgetBytes} B");
        return within;
    }
}
