using System.IO.Pipelines;
using Weir.Testing;
using Weir.Transports.Epoll.Tests.Sockets;
using Xunit;

namespace Weir.Transports.Epoll.Tests;

/// <summary>A peer that does not read: the kernel takes no more, and a flush waits.</summary>
public sealed class BacklogTests : IAsyncDisposable
{
    private readonly TestServer _server = new();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FlushAsync_PeerReadsOn_CompletesWithEveryByteInOrder(bool runsOnLoop)
    {
        Peer peer = await _server.ConnectAsync(runsOnLoop, receiveBufferBytes: 4096);
        (Task<FlushResult> flush, long written) = peer.Fill();
        Assert.False(flush.IsCompleted);

        Assert.Equal(written, await peer.ReceivePatternAsync(written));

        FlushResult result = await flush.Within();
        Assert.False(result.IsCompleted || result.IsCanceled);
        await Bounded.Eventually(() => _server.Arrays.Outstanding == 0);
    }

    [Fact]
    public async Task FlushAsync_OneWaits_SecondRefusedAndItsBytesGoBehind()
    {
        Peer peer = await _server.ConnectAsync(receiveBufferBytes: 4096);
        (Task<FlushResult> flush, long written) = peer.Fill();

        await Assert.ThrowsAsync<InvalidOperationException>(() => peer.Output.WriteAsync(Pattern.Of(100, written)).AsTask());

        Assert.Equal(written + 100, await peer.ReceivePatternAsync(written + 100));
        await flush.Within();
    }

    [Fact]
    public async Task CancelPendingFlush_OneWaits_CanceledAndNoByteIsLost()
    {
        Peer peer = await _server.ConnectAsync(receiveBufferBytes: 4096);
        (Task<FlushResult> flush, long written) = peer.Fill();

        peer.Output.CancelPendingFlush();
        FlushResult canceled = await flush.Within();
        Task<FlushResult> next = peer.Output.WriteAsync(Pattern.Of(70_000, written)).AsTask();

        Assert.True(canceled.IsCanceled);
        Assert.False(next.IsCompleted);
        Assert.Equal(written + 70_000, await peer.ReceivePatternAsync(written + 70_000));
        Assert.False((await next.Within()).IsCanceled);
    }

    [Fact]
    public async Task FlushAsync_TokenCanceled_ThrowsAndNoByteIsLost()
    {
        Peer peer = await _server.ConnectAsync(receiveBufferBytes: 4096);
        using CancellationTokenSource source = new();
        (Task<FlushResult> flush, long written) = peer.Fill(source.Token);

        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => flush.Within());

        Task<FlushResult> next = peer.Output.FlushAsync().AsTask();
        Assert.Equal(written, await peer.ReceivePatternAsync(written));
        Assert.False((await next.Within()).IsCompleted);
    }

    [Fact]
    public async Task Abort_FlushWaits_IsCompleted()
    {
        Peer peer = await _server.ConnectAsync(receiveBufferBytes: 4096);
        (Task<FlushResult> flush, _) = peer.Fill();

        peer.Server.Abort();

        Assert.True((await flush.Within()).IsCompleted);
        Assert.Equal(0, _server.Arrays.Outstanding);
    }

    [Fact]
    public async Task FlushAsync_PeerResetsMeanwhile_IsCompleted()
    {
        Peer peer = await _server.ConnectAsync(receiveBufferBytes: 4096);
        (Task<FlushResult> flush, _) = peer.Fill();

        peer.ResetByClient();

        Assert.True((await flush.Within()).IsCompleted);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DisposeAsync_BytesWait_EndsWhenThePeerHasThem(bool cancelsFlush)
    {
        Peer peer = await _server.ConnectAsync(receiveBufferBytes: 4096);
        (Task<FlushResult> flush, long written) = peer.Fill();
        if (cancelsFlush)
        {
            peer.Output.CancelPendingFlush();
            Assert.True((await flush.Within()).IsCanceled);
            peer.Output.CancelPendingFlush(); // meant for a flush, not for the end
        }

        Task disposing = peer.Server.DisposeAsync().AsTask();
        Assert.False(disposing.IsCompleted);

        Assert.Equal(written, await peer.ReceivePatternAsync(long.MaxValue)); // and then the end
        await disposing.Within();
        await flush.Within();
    }

    [Fact]
    public async Task Abort_DisposeWaits_EndsIt()
    {
        Peer peer = await _server.ConnectAsync(receiveBufferBytes: 4096);
        (Task<FlushResult> flush, _) = peer.Fill();
        Task disposing = peer.Server.DisposeAsync().AsTask();

        peer.Server.Abort();

        await disposing.Within();
        Assert.True((await flush.Within()).IsCompleted);
    }
}
