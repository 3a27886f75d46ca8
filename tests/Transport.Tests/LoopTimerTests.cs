using System.Diagnostics;
using System.Threading.Channels;
using Weir.Testing;
using Weir.Transports.Epoll.Tests.Sockets;
using Xunit;

namespace Weir.Transports.Epoll.Tests;

/// <summary>Timers that fire on a loop's thread.</summary>
public sealed class LoopTimerTests : IAsyncDisposable
{
    private static readonly TimeSpan _once = Timeout.InfiniteTimeSpan;

    private readonly TestServer _server = new(loops: 2, handOffAfter: TimeSpan.FromMilliseconds(20));
    private readonly EpollTime _time = new();
    private readonly Channel<EpollLoop?> _fired = Channel.CreateUnbounded<EpollLoop?>();

    public LoopTimerTests() => _time.Loop = _server.Transport.Loops[1];

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Change_TimeHasPassed_FiresOnTheLoopAndNotEarlier()
    {
        await using ITimer timer = NewTimer();
        for (int i = 0; i < 5; i++)
        {
            long before = Stopwatch.GetTimestamp();
            Assert.True(timer.Change(TimeSpan.FromMilliseconds(15), _once));

            Assert.Same(_time.Loop, await NextAsync());
            Assert.InRange(Stopwatch.GetElapsedTime(before), TimeSpan.FromMilliseconds(15), Bounded.DefaultLimit);
        }
    }

    [Fact]
    public async Task Change_WhileItRuns_TheLastTimeCountsAndItFiresOnce()
    {
        await using ITimer timer = NewTimer();
        await using ITimer later = NewTimer();
        timer.Change(TimeSpan.FromMinutes(10), _once);
        timer.Change(TimeSpan.FromMilliseconds(5), _once);
        Assert.Same(_time.Loop, await NextAsync());

        later.Change(TimeSpan.FromMilliseconds(30), _once); // by then the first would have fired again
        await NextAsync();

        Assert.False(_fired.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Change_ToInfiniteOrDisposed_DoesNotFire()
    {
        await using ITimer stopped = NewTimer();
        ITimer disposed = NewTimer();
        await using ITimer later = _time.CreateTimer(_ => _fired.Writer.TryWrite(null), null, _once, _once);
        stopped.Change(TimeSpan.FromMilliseconds(10), _once);
        disposed.Change(TimeSpan.FromMilliseconds(10), _once);

        stopped.Change(_once, _once);
        disposed.Dispose();
        later.Change(TimeSpan.FromMilliseconds(30), _once);

        Assert.Null(await NextAsync());
        Assert.False(disposed.Change(TimeSpan.Zero, _once));
    }

    [Fact]
    public async Task Fire_CallbackBlocks_LoopIsHandedOffAndOtherTimersFire()
    {
        using ManualResetEventSlim release = new();
        await using ITimer blocking = _time.CreateTimer(_ => release.Wait(Bounded.DefaultLimit), null, TimeSpan.Zero, _once);
        await using ITimer timer = NewTimer();
        timer.Change(TimeSpan.FromMilliseconds(5), _once);

        await NextAsync();
        await NextAfter(timer);
        Assert.InRange(_server.Transport.HandOffs, 1, int.MaxValue);
        release.Set();

        async Task NextAfter(ITimer again)
        {
            again.Change(TimeSpan.Zero, _once);
            await NextAsync();
        }
    }

    [Fact]
    public async Task Fire_CallbackThrows_LoggedAndTheTimerContinues()
    {
        bool throws = true;
        await using ITimer timer = _time.CreateTimer(Throw, null, TimeSpan.Zero, _once);
        await Bounded.Eventually(() => _server.Log.Of("LoopCallbackFailed").Count == 1);

        timer.Change(TimeSpan.Zero, _once);
        await NextAsync();

        void Throw(object? state)
        {
            if (throws)
            {
                throws = false;
                throw new InvalidOperationException("thrown by a test");
            }

            _fired.Writer.TryWrite(null);
        }
    }

    [Fact]
    public async Task Change_NoLoopYet_FiresElsewhere_AndOnTheLoopOnceThereIsOne()
    {
        EpollLoop loop = _time.Loop!;
        _time.Loop = null;
        await using ITimer timer = NewTimer();
        timer.Change(TimeSpan.Zero, _once);
        Assert.Null(await NextAsync());

        _time.Loop = loop;
        timer.Change(TimeSpan.Zero, _once);
        Assert.Same(loop, await NextAsync());
    }

    [Fact]
    public void CreateTimer_WithAPeriod_IsRefused()
        => Assert.Throws<NotSupportedException>(() => _time.CreateTimer(static _ => { }, null, TimeSpan.Zero, TimeSpan.FromSeconds(1)));

    // The loop on which it has fired; null: on none.
    private ITimer NewTimer() => _time.CreateTimer(_ => _fired.Writer.TryWrite(LoopThread.Current?.Loop), null, _once, _once);

    private Task<EpollLoop?> NextAsync() => _fired.Reader.ReadAsync().AsTask().Within();
}
