using Microsoft.Extensions.Time.Testing;
using Weir.Timing;
using Xunit;

namespace Weir.Core.Tests.Timing;

public sealed class TimerWheelConcurrencyTests
{
    private const int Threads = 4;
    private const int NodesPerThread = 20_000;
    private static readonly TimeSpan _bound = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task ScheduleAndCancelStorm_WhileTimeMoves_EachNodeFiresOnceOrWasCancelled()
    {
        FakeTimeProvider time = new();
        RecordingLogger logger = new();
        using TimerWheel wheel = new(time, logger, TimerWheel.DefaultTick);
        TestNode[][] nodes = NewNodes();
        bool[][] cancelled = [.. nodes.Select(mine => new bool[mine.Length])];

        await StormAsync(wheel, time, (thread, random) =>
        {
            for (int i = 0; i < NodesPerThread; i++)
            {
                wheel.Schedule(nodes[thread][i], TimeSpan.FromMilliseconds(random.Next(0, 3000)));
                int other = random.Next(0, i + 1);
                cancelled[thread][other] |= random.Next(2) == 0 && wheel.Cancel(nodes[thread][other]);
            }
        });

        int totalCancelled = 0;
        for (int thread = 0; thread < Threads; thread++)
        {
            for (int i = 0; i < NodesPerThread; i++)
            {
                Assert.Equal(cancelled[thread][i] ? 0 : 1, nodes[thread][i].Fired);
                totalCancelled += cancelled[thread][i] ? 1 : 0;
            }
        }

        // The storm was one: both outcomes are common.
        Assert.InRange(totalCancelled, 1, (Threads * NodesPerThread) - 1);
        Assert.DoesNotContain(logger.Entries, entry => entry.EventId == 401);
    }

    [Fact]
    public async Task MovesOfSharedNodes_WhileTimeMovesAndCallbacksRearm_NoneIsLostOrRunsTwiceAtOnce()
    {
        const int Shared = 50;
        FakeTimeProvider time = new();
        RecordingLogger logger = new();
        using TimerWheel wheel = new(time, logger, TimerWheel.DefaultTick);
        int inside = 0;
        int overlaps = 0;
        bool rearm = true;
        TestNode[] nodes = new TestNode[Shared];
        for (int i = 0; i < Shared; i++)
        {
            nodes[i] = new TestNode(node =>
            {
                overlaps += Interlocked.Increment(ref inside) == 1 ? 0 : 1;
                if (Volatile.Read(ref rearm))
                {
                    wheel.Schedule(node, TimeSpan.FromMilliseconds(200));
                }

                Interlocked.Decrement(ref inside);
            });
        }

        await StormAsync(wheel, time, (_, random) =>
        {
            for (int i = 0; i < NodesPerThread; i++)
            {
                wheel.Schedule(nodes[random.Next(Shared)], TimeSpan.FromMilliseconds(random.Next(0, 1000)));
                if (random.Next(8) == 0)
                {
                    wheel.Cancel(nodes[random.Next(Shared)]);
                }
            }
        }, whenStormIsOver: () =>
        {
            // From here on every node must come round once more, whatever state the storm left it in.
            Volatile.Write(ref rearm, false);
            Array.ForEach(nodes, node => wheel.Schedule(node, TimeSpan.FromMilliseconds(300)));
        });

        Assert.Equal(0, overlaps);
        Assert.All(nodes, node => Assert.True(node.Fired > 0 && !node.IsScheduled));
        Assert.DoesNotContain(logger.Entries, entry => entry.EventId == 401);
    }

    [Fact]
    public async Task StartAndStopStorm_OneNodeAtATime_TheWheelNeverFallsAsleepOnANode()
    {
        FakeTimeProvider time = new();
        using TimerWheel wheel = new(time, new RecordingLogger(), TimerWheel.DefaultTick);
        TestNode[][] nodes = NewNodes();

        // Each thread waits for its node to fire, so the wheel runs empty and stops all the time.
        await StormAsync(wheel, time, (thread, _) =>
        {
            for (int i = 0; i < 300; i++)
            {
                TestNode node = nodes[thread][i];
                wheel.Schedule(node, TimeSpan.Zero);
                Assert.True(SpinWait.SpinUntil(() => node.Fired == 1, _bound), "Asleep with a node scheduled.");
            }
        });
    }

    /// <summary>Runs the action on each of the threads while this one moves time, then drains the wheel.</summary>
    private static async Task StormAsync(
        TimerWheel wheel, FakeTimeProvider time, Action<int, Random> action, Action? whenStormIsOver = null)
    {
        using CancellationTokenSource bound = new(_bound);
        Task storm = Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(
            () => action(thread, new Random(thread)), CancellationToken.None, TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));
        while (!storm.IsCompleted)
        {
            bound.Token.ThrowIfCancellationRequested();
            time.Advance(TimerWheel.DefaultTick);
        }

        await storm;
        whenStormIsOver?.Invoke();
        for (int i = 0; i < 100 && wheel.Count > 0; i++)
        {
            time.Advance(TimerWheel.DefaultTick);
        }

        Assert.Equal(0, wheel.Count);
    }

    private static TestNode[][] NewNodes() =>
        [.. Enumerable.Range(0, Threads).Select(_ =>
            Enumerable.Range(0, NodesPerThread).Select(_ => new TestNode()).ToArray())];
}
