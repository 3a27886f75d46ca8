using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.Timing;

namespace Weir.Bench.Timing;

/// <summary>
/// A wheel with a million timeouts of a minute, evenly spread, touched in an order that is unrelated to their place in memory:
/// as on a node with many connections, nearly every one is a cache miss. The baseline does the same with as many
/// <see cref="Timer"/>s (due in an hour, so that none fires meanwhile).
/// </summary>
[MemoryDiagnoser]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class TimerWheelBenchmarks
{
    private const int Count = 1_000_000;

    /// <summary>How many timeouts one call of <see cref="Move"/> touches.</summary>
    private const int Some = 100_000;

    private static readonly TimeSpan _minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _hour = TimeSpan.FromHours(1);
    private static readonly int _ticksPerMinute = (int)(_minute / TimerWheel.DefaultTick);

    private readonly ManualClock _clock = new();
    private TimerWheel _wheel = null!;
    private Node[] _nodes = [];
    private Timer[] _timers = [];
    private int _next;
    private int _fired;

    [GlobalSetup(Targets = [nameof(Schedule), nameof(Move), nameof(Cancel), nameof(Tick), nameof(VisitEach)])]
    public void SetupWheel()
    {
        _wheel = new TimerWheel(_clock, NullLogger.Instance, TimerWheel.DefaultTick);
        _nodes = new Node[Count];
        for (int i = 0; i < Count; i++)
        {
            _nodes[i] = new Node(this);
        }

        new Random(1).Shuffle(_nodes);
        for (int tick = 0; tick < _ticksPerMinute; tick++)
        {
            _clock.Advance(TimerWheel.DefaultTick);
            foreach (Node node in _nodes.AsSpan((tick * Count / _ticksPerMinute)..((tick + 1) * Count / _ticksPerMinute)))
            {
                _wheel.Schedule(node, _minute);
            }
        }

        Wrong.Unless(_wheel.Count == Count && _fired == 0);
        Tick();
        Wrong.Unless(_wheel.Count == Count && _fired == Count);
    }

    [GlobalSetup(Targets = [nameof(TimerSchedule), nameof(TimerMove), nameof(TimerCancel)])]
    public void SetupTimers()
    {
        _timers = new Timer[Count];
        for (int i = 0; i < Count; i++)
        {
            _timers[i] = new Timer(static _ => { }, null, _hour, Timeout.InfiniteTimeSpan);
        }

        new Random(1).Shuffle(_timers);
    }

    [IterationSetup(Target = nameof(Schedule))]
    public void CancelAll()
    {
        foreach (Node node in _nodes)
        {
            _wheel.Cancel(node);
        }
    }

    [IterationSetup(Target = nameof(Cancel))]
    public void ScheduleAll()
    {
        foreach (Node node in _nodes)
        {
            _wheel.Schedule(node, _minute);
        }
    }

    [IterationSetup(Target = nameof(TimerSchedule))]
    public void CancelAllTimers() => ChangeAllTimers(Timeout.InfiniteTimeSpan);

    [IterationSetup(Target = nameof(TimerCancel))]
    public void ScheduleAllTimers() => ChangeAllTimers(_hour);

    [BenchmarkCategory("1 schedule"), Benchmark(Baseline = true, OperationsPerInvoke = Count)]
    public void TimerSchedule() => ChangeAllTimers(_hour);

    [BenchmarkCategory("1 schedule"), Benchmark(OperationsPerInvoke = Count)]
    public void Schedule() => ScheduleAll();

    [BenchmarkCategory("2 move"), Benchmark(Baseline = true, OperationsPerInvoke = Some)]
    public void TimerMove()
    {
        for (int i = 0; i < Some; i++)
        {
            _timers[_next].Change(_hour, Timeout.InfiniteTimeSpan);
            _next = (_next + 1) % Count;
        }
    }

    [BenchmarkCategory("2 move"), Benchmark(OperationsPerInvoke = Some)]
    public void Move()
    {
        for (int i = 0; i < Some; i++)
        {
            _wheel.Schedule(_nodes[_next], _minute);
            _next = (_next + 1) % Count;
        }
    }

    [BenchmarkCategory("3 cancel"), Benchmark(Baseline = true, OperationsPerInvoke = Count)]
    public void TimerCancel() => ChangeAllTimers(Timeout.InfiniteTimeSpan);

    [BenchmarkCategory("3 cancel"), Benchmark(OperationsPerInvoke = Count)]
    public void Cancel() => CancelAll();

    /// <summary>Touching a million scattered objects and no more.</summary>
    [BenchmarkCategory("4 expire"), Benchmark(Baseline = true, OperationsPerInvoke = Count)]
    public void VisitEach()
    {
        foreach (Node node in _nodes)
        {
            node.Visit();
        }
    }

    /// <summary>A minute of ticks: each timeout fires once, is armed again and cascades once.</summary>
    [BenchmarkCategory("4 expire"), Benchmark(OperationsPerInvoke = Count)]
    public void Tick()
    {
        for (int i = 0; i < _ticksPerMinute; i++)
        {
            _clock.Advance(TimerWheel.DefaultTick);
        }
    }

    private void ChangeAllTimers(TimeSpan due)
    {
        foreach (Timer timer in _timers)
        {
            timer.Change(due, Timeout.InfiniteTimeSpan);
        }
    }

    private sealed class Node(TimerWheelBenchmarks owner) : TimerNode
    {
        private int _visits;

        public void Visit() => _visits++;

        protected internal override void OnExpired()
        {
            owner._fired++;
            owner._wheel.Schedule(this, _minute);
        }
    }
}
