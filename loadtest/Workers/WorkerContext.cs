using Weir.LoadTest.Client;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Protocols;

namespace Weir.LoadTest.Workers;

/// <summary>What an activity works with.</summary>
/// <param name="Messages">Latencies of messages.</param>
/// <param name="CurrentCounts">Changes with each report: to be read each time.</param>
internal sealed record WorkerContext(
    WorkerPlan Plan,
    ClientLoop Loop,
    IProtocol Protocol,
    IReadOnlyList<Target> Targets,
    Latency Messages,
    Func<Counts> CurrentCounts)
{
    public Counts Counts => CurrentCounts();
}
