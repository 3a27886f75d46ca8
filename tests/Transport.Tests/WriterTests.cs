using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Weir.Testing;
using Weir.Transports.Epoll.Tests.Sockets;
using Xunit;

namespace Weir.Transports.Epoll.Tests;

public sealed class WriterTests : IAsyncDisposable
{
    private readonly TestServer _server = new();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task FlushAsync_SmallWrites_LeaveTogetherAndNothingIsHeld()
    {
        Peer peer = await _server.ConnectAsync();
        foreach (byte value in "abc"u8.ToArray())
        {
            peer.Output.GetSpan()[0] = value;
            peer.Output.Advance(1);
        }

        Assert.Equal(3, peer.Output.UnflushedBytes);
        FlushResult flush = await peer.Output.FlushAsync().Within();

        Assert.False(flush.IsCompleted || flush.IsCanceled);
        Assert.Equal("abc"u8.ToArray(), await peer.ReceiveAsync(3));
        Assert.Equal(0, peer.Output.UnflushedBytes);
        Assert.Equal(0, _server.Arrays.Outstanding);
    }

    [Fact]
    public async Task GetMemory_MoreThanABlock_KeepsWhatWasWritten()
    {
        const int Count = 300_000;
        Peer peer = await _server.ConnectAsync();
        Pattern.Fill(peer.Output.GetSpan(1000)[..1000], 0);
        peer.Output.Advance(1000);
        Memory<byte> rest = peer.Output.GetMemory(Count - 1000);
        Pattern.Fill(rest.Span[..(Count - 1000)], 1000);
        peer.Output.Advance(Count - 1000);

        Task<FlushResult> flush = peer.Output.FlushAsync().AsTask();

        Pattern.AssertIs(await peer.ReceiveAsync(Count), 0);
        await flush.Within();
    }

    [Fact]
    public async Task Advance_BeyondTheBuffer_Refused()
    {
        Peer peer = await _server.ConnectAsync();
        Assert.Throws<ArgumentOutOfRangeException>(() => peer.Output.Advance(1));
        int length = peer.Output.GetMemory().Length;
        Assert.Throws<ArgumentOutOfRangeException>(() => peer.Output.Advance(length + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => peer.Output.Advance(-1));
    }

    [Fact]
    public async Task WriteAsync_NothingUnflushed_SendsWithoutABuffer()
    {
        Peer peer = await _server.ConnectAsync();
        long rents = _server.Arrays.Rents;

        await peer.Output.WriteAsync(Pattern.Of(5000)).Within();

        Pattern.AssertIs(await peer.ReceiveAsync(5000), 0);
        Assert.Equal(rents, _server.Arrays.Rents);
    }

    [Fact]
    public async Task WriteAsync_BytesUnflushed_GoBehindThem()
    {
        Peer peer = await _server.ConnectAsync();
        "first "u8.CopyTo(peer.Output.GetSpan(6));
        peer.Output.Advance(6);

        await peer.Output.WriteAsync("second"u8.ToArray()).Within();

        Assert.Equal("first second"u8.ToArray(), await peer.ReceiveAsync(12));
    }

    [Fact]
    public async Task FlushAsync_TokenCanceledBefore_KeepsTheBytesForTheNextFlush()
    {
        Peer peer = await _server.ConnectAsync();
        "abc"u8.CopyTo(peer.Output.GetSpan(3));
        peer.Output.Advance(3);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => peer.Output.FlushAsync(new CancellationToken(canceled: true))
            .Within());
        Assert.Equal(3, peer.Output.UnflushedBytes);

        await peer.Output.FlushAsync().Within();
        Assert.Equal("abc"u8.ToArray(), await peer.ReceiveAsync(3));
    }

    [Fact]
    public async Task CancelPendingFlush_NoneWaits_TheNextIsCanceledAndItsBytesLeave()
    {
        Peer peer = await _server.ConnectAsync();
        peer.Output.CancelPendingFlush();

        Assert.True((await peer.Output.WriteAsync("abc"u8.ToArray()).Within()).IsCanceled);
        Assert.Equal("abc"u8.ToArray(), await peer.ReceiveAsync(3));
        Assert.False((await peer.Output.WriteAsync("d"u8.ToArray()).Within()).IsCanceled);
    }

    [Fact]
    public async Task FlushAsync_PeerGone_IsCompleted()
    {
        Peer peer = await _server.ConnectAsync();
        peer.ResetByClient();
        await Assert.ThrowsAsync<ConnectionResetException>(() => peer.Input.ReadAsync().Within());

        Assert.True((await peer.Output.WriteAsync(new byte[1]).Within()).IsCompleted);
        Assert.True((await peer.Output.FlushAsync().Within()).IsCompleted);
    }

    [Fact]
    public async Task Complete_BytesUnflushed_SendsThem()
    {
        Peer peer = await _server.ConnectAsync();
        "abc"u8.CopyTo(peer.Output.GetSpan(3));
        peer.Output.Advance(3);

        await peer.Output.CompleteAsync();

        Assert.Equal("abc"u8.ToArray(), await peer.ReceiveAsync(3));
        Assert.Equal(0, _server.Arrays.Outstanding);
        Assert.Throws<InvalidOperationException>(() => { _ = peer.Output.GetMemory(); });
    }

    [Fact]
    public async Task Complete_WithAnException_SendsNothingMore()
    {
        Peer peer = await _server.ConnectAsync();
        peer.Output.GetSpan(3).Clear();
        peer.Output.Advance(3);

        await peer.Output.CompleteAsync(new InvalidOperationException("half a message"));
        await peer.Server.DisposeAsync().Within();

        Assert.True(await peer.ReceivesEndAsync());
    }

    [Fact]
    public async Task WriteAsync_EightConnectionsAtOnce_EachGetsItsOwn()
    {
        const int Count = 2 * 1024 * 1024;
        Peer[] peers = new Peer[8];
        for (int i = 0; i < peers.Length; i++)
        {
            peers[i] = await _server.ConnectAsync();
        }

        Task[] writing = [.. peers.Select(peer => Task.Run(() => WriteAsync(peer, Count)))];
        Task<long>[] reading = [.. peers.Select(peer => Task.Run(() => peer.ReceivePatternAsync(Count)))];

        Assert.All(await Task.WhenAll(reading), received => Assert.Equal(Count, received));
        await Task.WhenAll(writing).Within();

        static async Task WriteAsync(Peer peer, int count)
        {
            const int Piece = 10_007;
            for (int written = 0; written < count;)
            {
                int piece = Math.Min(Piece, count - written);
                Pattern.Fill(peer.Output.GetSpan(piece)[..piece], written);
                peer.Output.Advance(piece);
                written += piece;
                Assert.False((await peer.Output.FlushAsync().Within()).IsCompleted);
            }
        }
    }
}
