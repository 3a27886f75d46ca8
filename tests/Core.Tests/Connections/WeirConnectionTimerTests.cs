using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Time.Testing;
using Weir.Connections;
using Weir.Hosting;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Connections;

public sealed class WeirConnectionTimerTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Start_ManyConnectionsAtOnce_EveryOneIsAborted()
    {
        const int Threads = 8;
        const int PerThread = 40_000;
        WeirListener listener = new(new WeirEngine(loggers: null, meters: null, _time));
        AbortCounter transport = new();
        using Barrier start = new(Threads);
        Task[] storm = [.. Enumerable.Range(0, Threads).Select(_ => Task.Factory.StartNew(Storm, TaskCreationOptions.LongRunning))];
        await Task.WhenAll(storm).Within();

        Assert.Equal(Threads * PerThread, listener.Wheel.Count);
        _time.Run(listener, TimeSpan.FromSeconds(6));

        Assert.Equal(Threads * PerThread, transport.Aborts);
        Assert.Equal(0, listener.Wheel.Count);

        void Storm()
        {
            ConnectionTimer[] timers = new ConnectionTimer[PerThread];
            for (int i = 0; i < PerThread; i++)
            {
                timers[i] = new ConnectionTimer(listener.Wheel, transport, listener.Engine);
            }

            start.SignalAndWait();
            foreach (ConnectionTimer timer in timers)
            {
                timer.StartClose(TimeSpan.FromSeconds(5));
            }
        }
    }

    [Fact]
    public void Start_OvertakenByTheEnd_DoesNothing()
    {
        WeirListener listener = new(new WeirEngine(loggers: null, meters: null, _time));
        AbortCounter transport = new();
        ConnectionTimer timer = new(listener.Wheel, transport, listener.Engine);
        timer.StartHandshake(TimeSpan.FromSeconds(1));
        timer.Stop();
        timer.StartClose(TimeSpan.FromSeconds(1));
        Assert.Equal(1, listener.Wheel.Count);

        timer.Retire();
        timer.StartClose(TimeSpan.FromSeconds(1));

        Assert.Equal(0, listener.Wheel.Count);
        _time.Run(listener, TimeSpan.FromSeconds(2));
        Assert.Equal(0, transport.Aborts);
    }

    private sealed class AbortCounter : DefaultConnectionContext
    {
        private int _aborts;

        public int Aborts => Volatile.Read(ref _aborts);

        public override void Abort(ConnectionAbortedException abortReason) => Interlocked.Increment(ref _aborts);
    }
}
