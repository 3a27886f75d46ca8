using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Weir.Testing;
using Weir.Transports.Epoll.Tests.Sockets;
using Xunit;

namespace Weir.Transports.Epoll.Tests;

/// <summary>How connections end, and the notifications of it.</summary>
public sealed class EndTests : IAsyncDisposable
{
    private readonly TestServer _server = new();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Abort_PeerSeesAReset()
    {
        Peer peer = await _server.ConnectAsync();
        peer.Server.Abort();

        SocketException error = await Assert.ThrowsAsync<SocketException>(() => peer.Client.ReceiveAsync(new byte[1]).Within());
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    [Fact]
    public async Task DisposeAsync_PeerSeesTheEnd()
    {
        Peer peer = await _server.ConnectAsync();
        await peer.Server.DisposeAsync().Within();

        Assert.True(await peer.ReceivesEndAsync());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(200_000)]
    public async Task DisposeAsync_BytesUnread_LastWordsArriveAndThenTheEnd(int unread)
    {
        Peer peer = await _server.ConnectAsync();
        Task<ReadResult> waiting = peer.Input.ReadAsync().AsTask();
        await peer.SendAsync(new byte[unread]);
        ReadResult result = await waiting.Within();
        peer.Input.AdvanceTo(result.Buffer.Start, result.Buffer.Start);

        await peer.Output.WriteAsync("goodbye"u8.ToArray()).Within();
        await peer.Server.DisposeAsync().Within();

        Assert.Equal("goodbye"u8.ToArray(), await peer.ReceiveAsync(7));
        Assert.True(await peer.ReceivesEndAsync());
    }

    [Fact]
    public async Task DisposeAsync_Twice_SecondDoesNothing()
    {
        Peer peer = await _server.ConnectAsync();
        await peer.Server.DisposeAsync().Within();
        Assert.True(await peer.ReceivesEndAsync());

        await peer.Server.DisposeAsync().Within();
        peer.Server.Abort();
    }

    [Theory]
    [InlineData(Ending.PeerEnds)]
    [InlineData(Ending.PeerResets)]
    [InlineData(Ending.Abort)]
    [InlineData(Ending.Dispose)]
    public async Task ConnectionClosed_ReadBefore_Fires(Ending ending)
    {
        Peer peer = await _server.ConnectAsync();
        TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration = peer.Server.ConnectionClosed.Register(closed.SetResult);
        Assert.False(closed.Task.IsCompleted);

        await EndAsync(peer, ending);

        await closed.Task.Within();
    }

    [Theory]
    [InlineData(Ending.PeerEnds)]
    [InlineData(Ending.PeerResets)]
    [InlineData(Ending.Abort)]
    [InlineData(Ending.Dispose)]
    public async Task ConnectionClosed_ReadAfterwards_HasFired(Ending ending)
    {
        Peer peer = await _server.ConnectAsync();
        await EndAsync(peer, ending);
        await Bounded.Eventually(() => peer.Server.InputHasEnded);

        Assert.True(peer.Server.ConnectionClosed.IsCancellationRequested);
    }

    // A caller that reads the token while the end is being announced must be notified one way or the other.
    [Fact]
    public async Task ConnectionClosed_ReadMeanwhile_Fires()
    {
        for (int i = 0; i < 200; i++)
        {
            Peer peer = await _server.ConnectAsync();
            peer.Client.Dispose();
            CancellationToken token = peer.Server.ConnectionClosed;
            await Bounded.Eventually(() => token.IsCancellationRequested);
        }
    }

    [Fact]
    public async Task ConnectionId_ManyConnections_AllDifferent()
    {
        HashSet<string> ids = [];
        for (int i = 0; i < 100; i++)
        {
            Peer peer = await _server.ConnectAsync();
            Assert.Equal(13, peer.Server.ConnectionId.Length);
            Assert.Equal(peer.Server.ConnectionId, peer.Server.ConnectionId);
            Assert.True(ids.Add(peer.Server.ConnectionId));
        }
    }

    [Fact]
    public async Task Abort_FromManyThreads_OneReasonCounts()
    {
        Peer peer = await _server.ConnectAsync();
        Task<ReadResult> waiting = peer.Input.ReadAsync().AsTask();
        ConnectionAbortedException[] reasons = [.. Enumerable.Range(0, 8).Select(i => new ConnectionAbortedException($"{i}"))];

        await Task.WhenAll(reasons.Select(reason => Task.Run(() => peer.Server.Abort(reason)))).Within();

        Assert.Contains(await Assert.ThrowsAsync<ConnectionAbortedException>(() => waiting.Within()), reasons);
    }

    private static async Task EndAsync(Peer peer, Ending ending)
    {
        switch (ending)
        {
            case Ending.PeerEnds:
                peer.Client.Shutdown(SocketShutdown.Send);
                break;
            case Ending.PeerResets:
                peer.ResetByClient();
                break;
            case Ending.Abort:
                peer.Server.Abort();
                break;
            default:
                await peer.Server.DisposeAsync().Within();
                break;
        }
    }

    public enum Ending
    {
        PeerEnds,
        PeerResets,
        Abort,
        Dispose,
    }
}
