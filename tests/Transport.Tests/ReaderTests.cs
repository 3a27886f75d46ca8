using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Weir.Testing;
using Weir.Transports.Epoll.Tests.Sockets;
using Xunit;

namespace Weir.Transports.Epoll.Tests;

public sealed class ReaderTests : IAsyncDisposable
{
    private readonly TestServer _server = new();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(100_000)]
    public async Task ReadAsync_BytesSent_ArriveInOrder(int count)
    {
        Peer peer = await _server.ConnectAsync();
        Task sending = peer.SendAsync(Pattern.Of(count));

        Pattern.AssertIs(await peer.TakeAsync(count), 0);
        await sending;
    }

    [Fact]
    public async Task ReadAsync_ByteByByte_EachArrives()
    {
        Peer peer = await _server.ConnectAsync();
        for (byte i = 0; i < 50; i++)
        {
            await peer.SendAsync(new[] { i });
            Assert.Equal([i], await peer.TakeAsync(1));
        }
    }

    [Fact]
    public async Task ReadAsync_MegabyteLeftUnconsumed_GrowsIntoOneSpan()
    {
        const int Count = 1024 * 1024;
        Peer peer = await _server.ConnectAsync();
        Task sending = peer.SendAsync(Pattern.Of(Count));

        ReadResult result = await peer.ReadAsync(Count);
        await sending;

        Assert.True(result.Buffer.IsSingleSegment);
        Assert.Equal(Count, result.Buffer.Length);
        Pattern.AssertIs(result.Buffer.FirstSpan, 0);
        peer.Input.AdvanceTo(result.Buffer.End);
        await Bounded.Eventually(() => _server.Arrays.Outstanding == 0); // no data is left: no array is held
    }

    [Fact]
    public async Task AdvanceTo_NotExamined_NextReadReturnsAtOnce()
    {
        Peer peer = await _server.ConnectAsync();
        await peer.SendAsync("abcd"u8.ToArray());
        ReadResult first = await peer.ReadAsync(4);
        peer.Input.AdvanceTo(first.Buffer.GetPosition(1), first.Buffer.GetPosition(3));

        ValueTask<ReadResult> second = peer.Input.ReadAsync();

        Assert.True(second.IsCompleted);
        ReadResult rest = await second;
        Assert.Equal("bcd", Encoding.ASCII.GetString(rest.Buffer));
        peer.Input.AdvanceTo(rest.Buffer.End);
    }

    [Fact]
    public async Task AdvanceTo_AllExamined_NextReadWaitsForMoreAndKeepsTheRest()
    {
        Peer peer = await _server.ConnectAsync();
        await peer.SendAsync("abcd"u8.ToArray());
        ReadResult first = await peer.ReadAsync(4);
        peer.Input.AdvanceTo(first.Buffer.GetPosition(2), first.Buffer.End);

        Task<ReadResult> second = peer.Input.ReadAsync().AsTask();
        Assert.False(second.IsCompleted);
        await peer.SendAsync("e"u8.ToArray());

        ReadResult rest = await second.Within();
        Assert.Equal("cde", Encoding.ASCII.GetString(rest.Buffer));
        peer.Input.AdvanceTo(rest.Buffer.End);
    }

    [Fact]
    public async Task AdvanceTo_PositionsOutsideTheBuffer_Refused()
    {
        Peer peer = await _server.ConnectAsync();
        await peer.SendAsync("abcd"u8.ToArray());
        ReadResult first = await peer.ReadAsync(4);
        SequencePosition start = first.Buffer.Start;
        peer.Input.AdvanceTo(first.Buffer.GetPosition(2));
        ReadResult second = await peer.Input.ReadAsync().Within();

        Assert.Throws<ArgumentOutOfRangeException>(() => peer.Input.AdvanceTo(start));
        Assert.Equal(2, second.Buffer.Length);
    }

    [Fact]
    public async Task ReadAsync_OneWaits_SecondRefused()
    {
        Peer peer = await _server.ConnectAsync();
        Task<ReadResult> first = peer.Input.ReadAsync().AsTask();

        await Assert.ThrowsAsync<InvalidOperationException>(() => peer.Input.ReadAsync().AsTask());
        Assert.Throws<InvalidOperationException>(() => peer.Input.TryRead(out _));

        await peer.SendAsync(new byte[1]);
        Assert.Equal(1, (await first.Within()).Buffer.Length);
    }

    [Fact]
    public async Task ReadAsync_NotAdvanced_SecondRefused()
    {
        Peer peer = await _server.ConnectAsync();
        await peer.SendAsync(new byte[1]);
        await peer.ReadAsync(1);

        await Assert.ThrowsAsync<InvalidOperationException>(() => peer.Input.ReadAsync().AsTask());
    }

    [Fact]
    public async Task AdvanceTo_NoRead_Refused()
    {
        Peer peer = await _server.ConnectAsync();
        Assert.Throws<InvalidOperationException>(() => peer.Input.AdvanceTo(default));

        await peer.SendAsync(new byte[1]);
        await peer.TakeAsync(1);
        Assert.Throws<InvalidOperationException>(() => peer.Input.AdvanceTo(default));
    }

    [Fact]
    public async Task TryRead_NothingKept_False()
    {
        Peer peer = await _server.ConnectAsync();
        Assert.False(peer.Input.TryRead(out _));

        await peer.SendAsync("ab"u8.ToArray());
        ReadResult first = await peer.ReadAsync(2);
        peer.Input.AdvanceTo(first.Buffer.GetPosition(1));

        Assert.True(peer.Input.TryRead(out ReadResult second));
        Assert.Equal("b", Encoding.ASCII.GetString(second.Buffer));
        peer.Input.AdvanceTo(second.Buffer.Start, second.Buffer.End);
        Assert.False(peer.Input.TryRead(out _));
    }

    [Fact]
    public async Task CancelPendingRead_BeforeARead_ThatReadIsCanceledAndOnlyThat()
    {
        Peer peer = await _server.ConnectAsync();
        peer.Input.CancelPendingRead();

        ReadResult canceled = await peer.Input.ReadAsync().Within();
        Assert.True(canceled.IsCanceled);
        Assert.True(canceled.Buffer.IsEmpty);
        peer.Input.AdvanceTo(canceled.Buffer.End);

        await peer.SendAsync("a"u8.ToArray());
        ReadResult next = await peer.Input.ReadAsync().Within();
        Assert.False(next.IsCanceled);
        Assert.Equal(1, next.Buffer.Length);
    }

    [Fact]
    public async Task CancelPendingRead_DuringARead_EndsItAndLosesNothing()
    {
        Peer peer = await _server.ConnectAsync();
        Task<ReadResult> waiting = peer.Input.ReadAsync().AsTask();
        peer.Input.CancelPendingRead();

        ReadResult canceled = await waiting.Within();
        Assert.True(canceled.IsCanceled);
        peer.Input.AdvanceTo(canceled.Buffer.Start);

        await peer.SendAsync("abc"u8.ToArray());
        Assert.Equal("abc"u8.ToArray(), await peer.TakeAsync(3));
    }

    [Fact]
    public async Task ReadAsync_TokenCanceled_ThrowsAndTheNextReadWorks()
    {
        Peer peer = await _server.ConnectAsync();
        using CancellationTokenSource source = new();
        Task<ReadResult> waiting = peer.Input.ReadAsync(source.Token).AsTask();
        await source.CancelAsync();

        OperationCanceledException error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Within());
        Assert.Equal(source.Token, error.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => peer.Input.ReadAsync(source.Token).Within());

        await peer.SendAsync("abc"u8.ToArray());
        Assert.Equal("abc"u8.ToArray(), await peer.TakeAsync(3));
    }

    [Fact]
    public async Task ReadAsync_TokenCanceledAfterwards_LeavesLaterReadsAlone()
    {
        Peer peer = await _server.ConnectAsync();
        using CancellationTokenSource source = new();
        Task<ReadResult> first = peer.Input.ReadAsync(source.Token).AsTask();
        await peer.SendAsync("a"u8.ToArray());
        peer.Input.AdvanceTo((await first.Within()).Buffer.End);

        Task<ReadResult> second = peer.Input.ReadAsync().AsTask();
        await source.CancelAsync();
        await peer.SendAsync("b"u8.ToArray());

        Assert.Equal("b", Encoding.ASCII.GetString((await second.Within()).Buffer));
    }

    [Fact]
    public async Task ReadAsync_EndTogetherWithBytes_CompletedAndBytesKept()
    {
        Peer peer = await _server.ConnectAsync();
        await peer.SendAsync("last words"u8.ToArray());
        peer.Client.Shutdown(SocketShutdown.Send);

        ReadResult result = await peer.ReadAsync(int.MaxValue);

        Assert.True(result.IsCompleted);
        Assert.Equal("last words", Encoding.ASCII.GetString(result.Buffer));
        peer.Input.AdvanceTo(result.Buffer.End);
        Assert.True((await peer.Input.ReadAsync().Within()).IsCompleted); // and so on
    }

    [Fact]
    public async Task Output_PeerHasEndedItsSide_StillCarriesBytes()
    {
        Peer peer = await _server.ConnectAsync();
        peer.Client.Shutdown(SocketShutdown.Send);
        Assert.True((await peer.ReadAsync(1)).IsCompleted);

        FlushResult flush = await peer.Output.WriteAsync("answer"u8.ToArray()).Within();

        Assert.False(flush.IsCompleted);
        Assert.Equal("answer"u8.ToArray(), await peer.ReceiveAsync(6));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ReadAsync_PeerResets_ConnectionResetException(bool runsOnLoop)
    {
        Peer peer = await _server.ConnectAsync(runsOnLoop);
        Task<ReadResult> waiting = peer.Input.ReadAsync().AsTask();
        peer.ResetByClient();

        await Assert.ThrowsAsync<ConnectionResetException>(() => waiting.Within());
        await Assert.ThrowsAsync<ConnectionResetException>(() => peer.Input.ReadAsync().Within());
    }

    [Fact]
    public async Task ReadAsync_Aborted_ThrowsTheReason()
    {
        Peer peer = await _server.ConnectAsync();
        Task<ReadResult> waiting = peer.Input.ReadAsync().AsTask();
        ConnectionAbortedException reason = new("enough");
        peer.Server.Abort(reason);

        Assert.Same(reason, await Assert.ThrowsAsync<ConnectionAbortedException>(() => waiting.Within()));
    }

    [Fact]
    public async Task Complete_BytesLeft_GivesTheBufferBackAndRefusesReads()
    {
        Peer peer = await _server.ConnectAsync();
        await peer.SendAsync(Pattern.Of(5000));
        ReadResult result = await peer.ReadAsync(5000);
        peer.Input.AdvanceTo(result.Buffer.GetPosition(1));
        Assert.Equal(1, _server.Arrays.Outstanding);

        await peer.Input.CompleteAsync();

        Assert.Equal(0, _server.Arrays.Outstanding);
        await Assert.ThrowsAsync<InvalidOperationException>(() => peer.Input.ReadAsync().AsTask());
    }

    [Fact]
    public async Task ReadAsync_WaitsForItsPeer_HoldsNoBuffer()
    {
        Peer peer = await _server.ConnectAsync();
        await peer.SendAsync("abc"u8.ToArray());
        await peer.TakeAsync(3);

        Task<ReadResult> waiting = peer.Input.ReadAsync().AsTask();

        Assert.False(waiting.IsCompleted);
        Assert.Equal(0, _server.Arrays.Outstanding);
    }

    // Two packets close behind each other: the edge of the second comes while the first is being received elsewhere.
    [Fact]
    public async Task ReadAsync_EdgeDuringAReceive_IsNotLost()
    {
        Peer peer = await _server.ConnectAsync();
        Task<long> reading = Task.Run(async () =>
        {
            long total = 0;
            while (true)
            {
                ReadResult result = await peer.Input.ReadAsync();
                int count = (int)result.Buffer.Length;
                total += count;
                peer.Input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    return total;
                }

                await peer.Output.WriteAsync(new byte[count]);
            }
        });

        const int Rounds = 3000;
        byte[] answer = new byte[2];
        for (int i = 0; i < Rounds; i++)
        {
            await peer.Client.SendAsync(new byte[1]).Within();
            await peer.Client.SendAsync(new byte[1]).Within();
            for (int received = 0; received < 2;)
            {
                received += await peer.Client.ReceiveAsync(answer.AsMemory(received)).Within();
            }
        }

        peer.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal(Rounds * 2, await reading.Within());
    }
}
