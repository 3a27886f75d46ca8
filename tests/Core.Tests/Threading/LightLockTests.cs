using Weir.Threading;
using Xunit;

namespace Weir.Core.Tests.Threading;

public class LightLockTests
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(30);

    [Fact]
    public void Hold_ManyThreads_OneAtATime()
    {
        const int Threads = 8;
        const int Rounds = 50_000;
        Guarded guarded = new();
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(_ => new Thread(() => guarded.Add(Rounds)))];
        Array.ForEach(threads, static thread => thread.Start());
        Assert.All(threads, static thread => Assert.True(thread.Join(_timeout), "A waiter was never woken."));
        Assert.Equal(Threads * Rounds, guarded.Value);
        Assert.False(guarded.IsHeld);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void Hold_HeldForLong_WaitersSleepAndAllComeThrough(int waiters)
    {
        Guarded guarded = new();
        Thread[] threads = [.. Enumerable.Range(0, waiters).Select(_ => new Thread(() => guarded.Add(1)))];
        guarded.While(() =>
        {
            Array.ForEach(threads, static thread => thread.Start());
            Assert.True(SpinWait.SpinUntil(() => threads.All(static thread => thread.ThreadState.HasFlag(ThreadState.WaitSleepJoin)),
                _timeout));
            Assert.Equal(0, guarded.Value);
        });
        Assert.All(threads, static thread => Assert.True(thread.Join(_timeout), "A waiter was never woken."));
        Assert.Equal(waiters, guarded.Value);
        Assert.False(guarded.IsHeld);
    }

    [Fact]
    public void Hold_BodyThrows_IsFreeAgain()
    {
        Guarded guarded = new();
        Assert.Throws<InvalidOperationException>(() => guarded.While(static () => throw new InvalidOperationException()));
        Assert.False(guarded.IsHeld);
        guarded.Add(1);
        Assert.Equal(1, guarded.Value);
    }

    private sealed class Guarded
    {
        private LightLock _gate;

        public int Value { get; private set; }

        public bool IsHeld => _gate.IsHeld;

        public void Add(int times)
        {
            for (int i = 0; i < times; i++)
            {
                using (_gate.Hold(this))
                {
                    Value++;
                }
            }
        }

        public void While(Action body)
        {
            using (_gate.Hold(this))
            {
                body();
            }
        }
    }
}
