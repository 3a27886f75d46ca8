using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using Weir.Connections;

namespace Weir.Bench.Rooms;

/// <summary>
/// All connections join one room together, as after a restart: the time of one join must not depend on the number of members.
/// The baseline is the minimal set of members, a hash set under a lock.
/// </summary>
[MemoryDiagnoser]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
[WarmupCount(90)] // of one storm each: the code has to become hot first
public class JoinBenchmarks
{
    private readonly Lock _gate = new();
    private Audience _audience = null!;
    private HashSet<WeirConnection> _set = [];

    [GlobalSetup(Targets = [nameof(Set10000), nameof(Join10000)])]
    public void Setup10000() => _audience = new Audience(10_000);

    [GlobalSetup(Targets = [nameof(Set20000), nameof(Join20000)])]
    public void Setup20000() => _audience = new Audience(20_000);

    [GlobalSetup(Targets = [nameof(Set50000), nameof(Join50000)])]
    public void Setup50000() => _audience = new Audience(50_000);

    [IterationSetup(Targets = [nameof(Set10000), nameof(Set20000), nameof(Set50000)])]
    public void NewSet() => _set = [];

    [IterationCleanup(Targets = [nameof(Join10000), nameof(Join20000), nameof(Join50000)])]
    public void LeaveAll() => _audience.LeaveAll();

    [BenchmarkCategory("10,000"), Benchmark(Baseline = true, OperationsPerInvoke = 10_000)]
    public void Set10000() => AddAll();

    [BenchmarkCategory("10,000"), Benchmark(OperationsPerInvoke = 10_000)]
    public void Join10000() => _audience.JoinAll();

    [BenchmarkCategory("20,000"), Benchmark(Baseline = true, OperationsPerInvoke = 20_000)]
    public void Set20000() => AddAll();

    [BenchmarkCategory("20,000"), Benchmark(OperationsPerInvoke = 20_000)]
    public void Join20000() => _audience.JoinAll();

    [BenchmarkCategory("50,000"), Benchmark(Baseline = true, OperationsPerInvoke = 50_000)]
    public void Set50000() => AddAll();

    [BenchmarkCategory("50,000"), Benchmark(OperationsPerInvoke = 50_000)]
    public void Join50000() => _audience.JoinAll();

    private void AddAll()
    {
        foreach (WeirConnection connection in _audience.Connections)
        {
            lock (_gate)
            {
                _set.Add(connection);
            }
        }
    }
}
