using BenchmarkDotNet.Attributes;
using Weir.Connections;
using Weir.Rooms;

namespace Weir.Bench.Rooms;

/// <summary>One connection repeatedly joins and leaves a room of 10,000.</summary>
[MemoryDiagnoser]
public class ChurnBenchmarks
{
    private readonly Lock _gate = new();
    private readonly HashSet<WeirConnection> _set = [];
    private Audience _audience = null!;
    private Room _room = null!;
    private WeirConnection _guest = null!;

    [GlobalSetup]
    public void Setup()
    {
        _audience = new Audience(10_000);
        _room = _audience.JoinAll();
        _set.UnionWith(_audience.Connections);
        _guest = new Audience(1).Connections[0];
        Wrong.Unless(JoinAndLeave() && AddAndRemove());
        Wrong.Unless(_room.Count == 10_000 && _set.Count == 10_000);
    }

    [Benchmark(Baseline = true)]
    public bool AddAndRemove()
    {
        lock (_gate)
        {
            _set.Add(_guest);
        }

        lock (_gate)
        {
            return _set.Remove(_guest);
        }
    }

    [Benchmark]
    public bool JoinAndLeave()
    {
        _audience.Directory.Join("lobby", _guest);
        return _audience.Directory.Leave("lobby", _guest);
    }
}
