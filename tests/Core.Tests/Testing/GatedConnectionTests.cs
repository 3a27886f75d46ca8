using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Testing;

public class GatedConnectionTests
{
    private readonly byte[] _bytes = [1, 2, 3];

    [Fact]
    public async Task Flush_Held_PendsUntilReleased()
    {
        StallingPipeWriter writer = new();
        writer.Hold();

        Task<FlushResult> flush = writer.WriteAsync(_bytes).AsTask();
        Assert.False(flush.IsCompleted);
        Assert.Equal(3, writer.PendingBytes);
        Assert.Empty(writer.Sent);

        writer.ReleaseOne();
        Assert.False((await flush.Within()).IsCompleted);
        Assert.Equal(_bytes, writer.Sent);

        Task<FlushResult> next = writer.WriteAsync(_bytes.AsMemory(0, 1)).AsTask();
        Assert.True(writer.IsFlushPending);
        writer.Release();
        await next.Within();
        Assert.True(writer.WriteAsync(_bytes).AsTask().IsCompleted);
        Assert.Equal([new(3, true), new(1, true), new(3, false)], writer.Flushes);
        writer.AssertClean();
    }

    [Fact]
    public async Task Touch_FlushPends_ThrowsAndIsRecorded()
    {
        StallingPipeWriter writer = new();
        writer.Hold();
        ValueTask<FlushResult> flush = writer.WriteAsync(_bytes);

        Assert.Throws<InvalidOperationException>(() => writer.GetMemory());
        Assert.Throws<InvalidOperationException>(() => writer.GetSpan().Length);
        Assert.Throws<InvalidOperationException>(() => writer.Advance(0));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await writer.FlushAsync());
        Assert.Throws<InvalidOperationException>(() => writer.Complete());

        Assert.Equal(5, writer.Violations.Count);
        Assert.Throws<InvalidOperationException>(writer.AssertClean);
        writer.Release();
        await flush.AsTask().Within();
        Assert.Equal(_bytes, writer.Sent);
    }

    [Fact]
    public void Memory_ChangedWhileItsFlushPends_IsFound()
    {
        StallingPipeWriter writer = new();
        writer.Hold();
        Memory<byte> memory = writer.GetMemory(3);
        writer.Advance(3);
        ValueTask<FlushResult> flush = writer.FlushAsync();
        Assert.False(flush.IsCompleted);

        memory.Span[1] ^= 1;
        writer.Release();

        Assert.Contains("Memory was written", Assert.Single(writer.Violations), StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_KeptPastItsFlush_IsFoundByThePool()
    {
        DiagnosticMemoryPool pool = new();
        StallingPipeWriter writer = new(pool);
        Memory<byte> memory = writer.GetMemory(3);
        writer.Advance(3);
        Assert.True(writer.FlushAsync().AsTask().IsCompletedSuccessfully);

        Assert.Throws<PoolMisuseException>(() => memory.Span[0]);
    }

    [Fact]
    public async Task Flush_AwaitedTwice_ThrowsAndIsRecorded()
    {
        StallingPipeWriter writer = new();
        writer.Hold();
        ValueTask<FlushResult> flush = writer.WriteAsync(_bytes);
        Task<FlushResult> first = flush.AsTask();

        await Assert.ThrowsAsync<InvalidOperationException>(() => flush.AsTask());

        Assert.Single(writer.Violations);
        writer.Release();
        await first.Within();
    }

    [Fact]
    public async Task Cancel_FlushPends_EndsItAndTheWriterStaysUsable()
    {
        StallingPipeWriter writer = new();
        writer.Hold();
        Task<FlushResult> flush = writer.WriteAsync(_bytes).AsTask();

        writer.CancelPendingFlush();

        Assert.True((await flush.Within()).IsCanceled);
        Assert.Empty(writer.Sent);
        writer.Release();
        Assert.False((await writer.WriteAsync(_bytes).Within()).IsCanceled);
    }

    [Fact]
    public async Task Cancel_NoFlushPends_EndsTheNext()
    {
        StallingPipeWriter writer = new();
        writer.Hold();
        writer.CancelPendingFlush();

        Assert.True((await writer.WriteAsync(_bytes).Within()).IsCanceled);
    }

    [Fact]
    public async Task Token_CancelledWhileFlushPends_ThrowsFromTheFlush()
    {
        StallingPipeWriter writer = new();
        using CancellationTokenSource source = new();
        writer.Hold();
        Task<FlushResult> flush = writer.WriteAsync(_bytes, source.Token).AsTask();

        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => flush.Within());
        Assert.False(writer.IsFlushPending);
    }

    [Fact]
    public async Task FailWith_FlushPends_FailsItAndTheNext()
    {
        StallingPipeWriter writer = new();
        writer.Hold();
        Task<FlushResult> flush = writer.WriteAsync(_bytes).AsTask();
        IOException error = new();

        writer.FailWith(error);

        Assert.Same(error, await Assert.ThrowsAsync<IOException>(() => flush.Within()));
        Assert.Same(error, await Assert.ThrowsAsync<IOException>(async () => await writer.WriteAsync(_bytes)));
    }

    [Fact]
    public async Task CompleteReader_FlushPends_IsCompleted()
    {
        StallingPipeWriter writer = new();
        writer.Hold();
        Task<FlushResult> flush = writer.WriteAsync(_bytes).AsTask();

        writer.CompleteReader();

        Assert.True((await flush.Within()).IsCompleted);
        Assert.True((await writer.WriteAsync(_bytes).Within()).IsCompleted);
    }

    [Fact]
    public void Write_MoreThanABlock_KeepsOrderAndReturnsBlocks()
    {
        using DiagnosticMemoryPool pool = new(16);
        StallingPipeWriter writer = new(pool);
        byte[] bytes = [.. Enumerable.Range(0, 6000).Select(i => (byte)i)];

        writer.Write(bytes.AsSpan(0, 100));
        bytes.AsSpan(100, 5000).CopyTo(writer.GetSpan(5000));
        writer.Advance(5000);
        writer.Write(bytes.AsSpan(5100));

        Assert.Equal(6000, writer.UnflushedBytes);
        writer.Complete();
        Assert.Equal(bytes, writer.Sent);
        Assert.Throws<InvalidOperationException>(() => writer.GetMemory());
    }

    [Fact]
    public async Task Abort_FlushPends_CompletesItAndFailsTheRead()
    {
        using DiagnosticMemoryPool pool = new();
        await using GatedConnection connection = new(new() { Pool = pool });
        connection.Gate.Hold();
        Task<ReadResult> read = connection.Transport.Input.ReadAsync().AsTask();
        Task<FlushResult> flush = connection.Transport.Output.WriteAsync(_bytes).AsTask();

        connection.Abort();

        Assert.True((await flush.Within()).IsCompleted);
        await Assert.ThrowsAsync<ConnectionAbortedException>(() => read.Within());
    }

    [Fact]
    public async Task Complete_Output_EndsTheClientAndTheInput()
    {
        await using GatedConnection connection = new();
        await connection.Transport.Output.WriteAsync(_bytes).Within();

        await connection.Transport.Output.CompleteAsync();

        Assert.Equal(_bytes, connection.Gate.Sent);
        Assert.Empty(await connection.ClientEnd.Input.ReadToEndAsync());
        await Assert.ThrowsAsync<ConnectionAbortedException>(() => connection.Transport.Input.ReadAsync().Within());
    }

    [Fact]
    public async Task Dispose_RuleBroken_Throws()
    {
        GatedConnection connection = new();
        connection.Gate.Hold();
        Task<FlushResult> flush = connection.Transport.Output.WriteAsync(_bytes).AsTask();
        Assert.Throws<InvalidOperationException>(() => connection.Transport.Output.GetMemory());

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await connection.DisposeAsync());
        await flush.Within();
    }
}
