using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;
using Weir.Connections;
using Weir.Handshake;
using Weir.Hosting;
using Xunit;

namespace Weir.Core.Tests.Connections;

/// <summary>Idle is free: what the engine holds for an idle connection, on top of the transport, has a budget.</summary>
public sealed class WeirConnectionIdleTests
{
    // Measured 1,042 bytes on 64-bit .NET 10, heartbeat on: the connection with its sender, reader, timer and rooms, and
    // the state machines of the one pending read.
    private const int BudgetBytes = 1_200;

    [Fact]
    public void IdleConnection_StaysWithinItsBudget()
    {
        // Other tests run meanwhile, and what they allocate and release is counted too: one undisturbed round suffices.
        const int MostRounds = 10;
        List<long> measured = [];
        while (!measured.Exists(static bytes => bytes is >= 500 and <= BudgetBytes) && measured.Count < MostRounds)
        {
            measured.Add(Measure());
        }

        Assert.InRange(measured[^1], 500, BudgetBytes);
    }

    private static long Measure()
    {
        const int Count = 5_000;
        WeirListener listener =
            new(new WeirEngine(loggers: null, meters: null, new FakeTimeProvider(), new WeirNodeOptions().ToSettings()));
        listener.Add(listener.Engine.CreateEndpoint("/ws", new IdleHandler(), static options => options.KeepRequest = false));
        Task[] running = new Task[Count];
        SilentTransport transport = new();
        running[0] = Open(listener, transport);

        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 1; i < Count; i++)
        {
            running[i] = Open(listener, transport);
        }

        long perConnection = (GC.GetTotalMemory(forceFullCollection: true) - before) / (Count - 1);

        Assert.Equal(Count, listener.Engine.Connections.Count);
        Assert.All(running, task => Assert.False(task.IsCompleted));
        Assert.Equal(Count, listener.Wheel.Count); // one slot each, for the heartbeat
        GC.KeepAlive(running);
        return perConnection;
    }

    private static Task Open(WeirListener listener, SilentTransport transport)
    {
        UpgradeRequest request = new(Encoding.ASCII.GetBytes("GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        ConnectionTimer timer = new(listener.Wheel, transport, listener.Engine);
        return new WeirConnection(listener.Find(request), transport, timer, request, remoteAddress: null, subprotocol: null, deflate: null)
            .RunAsync();
    }

    private sealed class IdleHandler : WeirHandler;

    /// <summary>A transport without cost that never delivers data; all connections share it.</summary>
    private sealed class SilentTransport : ConnectionContext, IDuplexPipe
    {
        public PipeReader Input { get; } = new SilentReader();

        public PipeWriter Output { get; } = new Pipe().Writer;

        public override string ConnectionId { get; set; } = "silent";

        public override IFeatureCollection Features { get; } = new FeatureCollection();

        public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

        public override IDuplexPipe Transport
        {
            get => this;
            set => throw new NotSupportedException();
        }
    }

    private sealed class SilentReader : PipeReader
    {
        // Every read waits for its own: continuations on one shared task would be counted as the connections'.
        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
            => new(new TaskCompletionSource<ReadResult>().Task);

        public override bool TryRead(out ReadResult result)
        {
            result = default;
            return false;
        }

        public override void AdvanceTo(SequencePosition consumed)
        {
        }

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
        }

        public override void CancelPendingRead()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }
    }
}
