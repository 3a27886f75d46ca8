using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Testing;

public class InMemoryConnectionTests
{
    private readonly byte[] _bytes = [1, 2, 3];

    [Fact]
    public async Task Write_EitherWay_ArrivesInline()
    {
        using DiagnosticMemoryPool pool = new(16);
        await using InMemoryConnection connection = new(new() { Pool = pool });
        ValueTask<ReadResult> pending = connection.Transport.Input.ReadAsync();

        await connection.ClientEnd.Output.WriteAsync(new byte[40]).Within();
        Assert.True(pending.IsCompleted);
        ReadResult read = await pending;
        Assert.Equal(40, read.Buffer.Length);
        Assert.False(read.Buffer.IsSingleSegment);
        connection.Transport.Input.AdvanceTo(read.Buffer.End);

        await connection.Transport.Output.WriteAsync(_bytes).Within();
        Assert.Equal(_bytes, connection.ClientEnd.Input.TakeAvailable());
    }

    [Fact]
    public async Task Flush_OverOutputPauseBytes_PendsUntilTheClientReads()
    {
        await using InMemoryConnection connection = new(new() { OutputPauseBytes = 3 });

        Assert.True(connection.Transport.Output.WriteAsync(new byte[2]).AsTask().IsCompleted);
        Task<FlushResult> second = connection.Transport.Output.WriteAsync(new byte[1]).AsTask();
        Assert.False(second.IsCompleted);

        Assert.Equal(3, connection.ClientEnd.Input.TakeAvailable().Length);
        await second.Within();
    }

    [Fact]
    public async Task ClientFlush_OverInputPauseBytes_PendsUntilTheServerReads()
    {
        await using InMemoryConnection connection = new(new() { InputPauseBytes = 1 });

        Task<FlushResult> write = connection.ClientEnd.Output.WriteAsync(_bytes).AsTask();
        Assert.False(write.IsCompleted);

        Assert.Equal(_bytes, connection.Transport.Input.TakeAvailable());
        await write.Within();
    }

    [Fact]
    public async Task Abort_EverythingPends_EndsAllAsKestrelDoes()
    {
        using DiagnosticMemoryPool pool = new();
        await using InMemoryConnection connection = new(new() { Pool = pool, OutputPauseBytes = 1 });
        Task<ReadResult> read = connection.Transport.Input.ReadAsync().AsTask();
        Task<FlushResult> flush = connection.Transport.Output.WriteAsync(_bytes).AsTask();
        ConnectionAbortedException reason = new("first");

        connection.Abort(reason);
        connection.Abort();

        Assert.Same(reason, await Assert.ThrowsAsync<ConnectionAbortedException>(() => read.Within()));
        Assert.True((await flush.Within()).IsCompleted);
        await connection.Closed.Within();
        Assert.True(connection.ConnectionClosed.IsCancellationRequested);
        Assert.Same(reason, connection.AbortReason);
        Assert.Equal(2, connection.Aborts.Count);
        Assert.Equal(_bytes, await connection.ClientEnd.Input.ReadToEndAsync());
    }

    [Fact]
    public async Task Reset_ReadPends_ThrowsConnectionReset()
    {
        await using InMemoryConnection connection = new();
        Task<ReadResult> read = connection.Transport.Input.ReadAsync().AsTask();

        connection.Reset();

        await Assert.ThrowsAsync<ConnectionResetException>(() => read.Within());
        await connection.Closed.Within();
        Assert.Null(connection.AbortReason);
        Assert.False((await connection.Transport.Output.WriteAsync(_bytes).Within()).IsCompleted);
        Assert.True((await connection.Transport.Output.WriteAsync(_bytes).Within()).IsCompleted);
    }

    [Fact]
    public async Task Reset_FlushPends_CompletesIt()
    {
        await using InMemoryConnection connection = new(new() { OutputPauseBytes = 1 });
        Task<FlushResult> flush = connection.Transport.Output.WriteAsync(_bytes).AsTask();

        connection.Reset();

        Assert.True((await flush.Within()).IsCompleted);
    }

    [Fact]
    public async Task ClientFin_AfterBytes_CompletesTheReadAndFiresConnectionClosed()
    {
        await using InMemoryConnection connection = new();
        await connection.ClientEnd.Output.WriteAsync(_bytes).Within();
        await connection.ClientEnd.Output.CompleteAsync();

        Assert.Equal(_bytes, await connection.Transport.Input.ReadToEndAsync());
        await connection.Closed.Within();

        // The other direction is still open.
        Assert.False((await connection.Transport.Output.WriteAsync(_bytes).Within()).IsCompleted);
    }

    [Fact]
    public async Task ServerCompletesOutput_ReadPends_FailsItAndEndsTheClient()
    {
        await using InMemoryConnection connection = new();
        Task<ReadResult> read = connection.Transport.Input.ReadAsync().AsTask();
        await connection.Transport.Output.WriteAsync(_bytes).Within();

        await connection.Transport.Output.CompleteAsync();

        await Assert.ThrowsAsync<ConnectionAbortedException>(() => read.Within());
        Assert.Equal(_bytes, await connection.ClientEnd.Input.ReadToEndAsync());
    }

    [Fact]
    public async Task ClientStopsReading_ServerFlush_IsCompleted()
    {
        await using InMemoryConnection connection = new();
        await connection.ClientEnd.Input.CompleteAsync();
        await connection.Transport.Output.WriteAsync(_bytes).Within();

        Assert.True((await connection.Transport.Output.WriteAsync(_bytes).Within()).IsCompleted);
        await Assert.ThrowsAsync<ConnectionResetException>(() => connection.Transport.Input.ReadAsync().Within());
    }

    [Fact]
    public async Task Features_All_AreTheConnections()
    {
        using DiagnosticMemoryPool pool = new();
        await using InMemoryConnection connection = new(new() { Pool = pool });
        int asked = 0;
        IConnectionLifetimeNotificationFeature notification =
            connection.Features.GetRequiredFeature<IConnectionLifetimeNotificationFeature>();
        notification.ConnectionClosedRequested.Register(() => asked++);

        notification.RequestClose();
        connection.Features.GetRequiredFeature<IConnectionLifetimeFeature>().Abort();

        Assert.Equal(1, asked);
        Assert.NotNull(connection.AbortReason);
        Assert.Same(pool, connection.Features.GetRequiredFeature<IMemoryPoolFeature>().MemoryPool);
        Assert.Same(
            connection.RemoteEndPoint,
            connection.Features.GetRequiredFeature<IConnectionEndPointFeature>().RemoteEndPoint);
        Assert.Equal(
            connection.ConnectionId, connection.Features.GetRequiredFeature<IConnectionIdFeature>().ConnectionId);
    }

    [Fact]
    public async Task Dispose_ClientDoesNotRead_ReturnsEveryBlock()
    {
        using DiagnosticMemoryPool pool = new(61);
        InMemoryConnection connection = new(new()
        {
            Pool = pool,
            OutputPauseBytes = 1,
            ServerScheduler = PipeScheduler.ThreadPool,
            TransportScheduler = PipeScheduler.ThreadPool,
        });
        await connection.ClientEnd.Output.WriteAsync(_bytes).Within();
        Task<FlushResult> flush = connection.Transport.Output.WriteAsync(new byte[500]).AsTask();

        await connection.DisposeAsync().Within();

        await flush.Within();
        pool.AssertClean();
    }

    [Fact]
    public async Task ReadFrame_Frames_TakesOneAtATime()
    {
        await using InMemoryConnection connection = new();
        await connection.Transport.Output.WriteAsync(Frames.Hex("81 01 61 8A 00 88")).Within();

        Assert.Equal("a", (await connection.ClientEnd.Input.ReadFrameAsync()).Text);
        Assert.Equal(0xA, (await connection.ClientEnd.Input.ReadFrameAsync()).Opcode);

        await connection.Transport.Output.CompleteAsync();
        await Assert.ThrowsAsync<EndOfStreamException>(() => connection.ClientEnd.Input.ReadFrameAsync());
    }
}
