using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Weir.Timing;
using Xunit;

namespace Weir.Core.Tests.Timing;

/// <summary>The wheel against the simplest thing that could be right: a sorted list of due times.</summary>
public class TimerWheelModelTests
{
    private const int Nodes = 12;

    private enum Op
    {
        Schedule,
        Cancel,
        Advance,
    }

    private static readonly Gen<TimeSpan> _dueIn = Gen.Frequency(
        (4, Gen.Int[-50, 1500]), (3, Gen.Int[0, 30_000]), (2, Gen.Int[25_000, 27_000]), (1, Gen.Int[0, 7_000_000]))
        .Select(ms => TimeSpan.FromMilliseconds(ms));

    // Mostly single ticks or less, sometimes late within the catch-up; a long wait is taken in such steps.
    private static readonly Gen<(int StepMs, int Steps)> _advance = Gen.Frequency(
        (4, Gen.Select(Gen.Int[1, 100], Gen.Int[1, 20])),
        (2, Gen.Select(Gen.Int[100, 500], Gen.Int[1, 10])),
        (1, Gen.Select(Gen.Const(100), Gen.Int[200, 400])));

    private static readonly Gen<(Op, int Node, TimeSpan DueIn, (int StepMs, int Steps))[]> _scripts = Gen.Select(
        Gen.Frequency((5, Gen.Const(Op.Schedule)), (1, Gen.Const(Op.Cancel)), (4, Gen.Const(Op.Advance))),
        Gen.Int[0, Nodes - 1], _dueIn, _advance).Array[1, 60];

    [Fact]
    public void RandomScript_AgreesWithSortedList() => _scripts.Sample(script =>
    {
        TimeSpan tick = TimerWheel.DefaultTick;
        FakeTimeProvider time = new();
        DateTimeOffset start = time.GetUtcNow();
        RecordingLogger logger = new();
        using TimerWheel wheel = new(time, logger, tick);

        List<int> fired = [];
        TestNode[] nodes = new TestNode[Nodes];
        for (int i = 0; i < Nodes; i++)
        {
            int index = i;
            nodes[i] = new TestNode(_ => fired.Add(index));
        }

        // Node and due tick; a tick is due when time has reached it.
        Dictionary<int, long> model = [];
        long TicksPassed() => (time.GetUtcNow() - start).Ticks / tick.Ticks;

        foreach ((Op op, int node, TimeSpan dueIn, (int stepMs, int steps)) in script)
        {
            switch (op)
            {
                case Op.Schedule:
                    wheel.Schedule(nodes[node], dueIn);
                    long due = (long)Math.Ceiling((time.GetUtcNow() - start + dueIn) / tick);
                    model[node] = Math.Max(due, TicksPassed() + 1);
                    break;
                case Op.Cancel:
                    Assert.Equal(model.Remove(node), wheel.Cancel(nodes[node]));
                    break;
                case Op.Advance:
                    for (int step = 0; step < steps; step++)
                    {
                        fired.Clear();
                        time.Advance(TimeSpan.FromMilliseconds(stepMs));

                        (int Node, long Due)[] expected = [.. model
                            .Where(entry => entry.Value <= TicksPassed())
                            .Select(entry => (entry.Key, entry.Value))
                            .OrderBy(entry => entry.Value)];
                        // Same nodes, and in due order; within one tick any order will do.
                        Assert.Equal(expected.Select(e => e.Node).Order(), fired.Order());
                        Assert.Equal(expected.Select(e => e.Due), fired.Select(index => model[index]));
                        foreach ((int key, _) in expected)
                        {
                            model.Remove(key);
                        }
                    }

                    break;
            }

            Assert.Equal(model.Count, wheel.Count);
            Assert.Equal(TicksPassed(), wheel.CurrentTick);
            Assert.All(nodes, (n, index) => Assert.Equal(model.ContainsKey(index), n.IsScheduled));
        }

        Assert.Empty(logger.Entries);
    });
}
