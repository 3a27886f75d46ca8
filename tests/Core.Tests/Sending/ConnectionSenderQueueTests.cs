using System.Buffers;
using Weir.Protocol;
using Weir.Sending;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Core.Tests.Sending;

public sealed class ConnectionSenderQueueTests
{
    private const int Chunk = ConnectionSender.ChunkBytes;

    [Fact]
    public void Send_TransportFree_FlushesEachMessage()
    {
        using TestSender sender = new();

        Assert.Equal(SendResult.Sent, sender.Send("one"));
        Assert.Equal(SendResult.Sent, sender.Send("two"));

        Assert.Equal(["one", "two"], sender.Texts);
        Assert.Equal([new(5, false), new(5, false)], sender.Gate.Flushes);
        Assert.Equal(0, sender.Sender.QueuedBytes);
        Assert.False(sender.Sender.IsBusy);
    }

    [Fact]
    public async Task Send_FlushPends_QueuesAndLeavesInOneFlush()
    {
        using TestSender sender = new();
        sender.Gate.Hold();

        Assert.Equal(SendResult.Sent, sender.Send("one"));
        Assert.True(sender.Sender.IsBusy);
        Assert.Equal(SendResult.Queued, sender.Send("two"));
        Assert.Equal(SendResult.Queued, sender.Send("three"));
        Assert.Equal(5 + 7, sender.Sender.QueuedBytes);

        await sender.ReleaseAndDrainAsync();
        Assert.Equal(["one", "two", "three"], sender.Texts);
        Assert.Equal([new(5, true), new(12, false)], sender.Gate.Flushes);
        Assert.Equal(0, sender.Sender.QueuedBytes);
        Assert.False(sender.Sender.IsBusy);
        Assert.Equal(SendResult.Sent, sender.Send("four"));
        Assert.Equal(0, sender.Arrays.Outstanding);
    }

    [Theory]
    [InlineData(Chunk)]
    [InlineData(Chunk - 4)]
    public void Send_UpToAChunk_LeavesInOneFlush(int size)
    {
        using TestSender sender = new();

        sender.Send(SharedFramesTests.Payload(size));

        Assert.Equal([new(size + 4, false)], sender.Gate.Flushes);
        Assert.Equal(0, sender.Arrays.Rents);
        Assert.Equal(SharedFramesTests.Payload(size), Assert.Single(sender.Sent).Payload);
    }

    [Fact]
    public async Task Send_MoreThanAChunk_LeavesChunkByChunk()
    {
        const int Size = 100_000;
        const int Length = Size + 10;
        using TestSender sender = new();
        sender.Gate.Hold();

        Assert.Equal(SendResult.Sent, sender.Send(SharedFramesTests.Payload(Size)));
        for (int gone = Chunk; gone < Length; gone += Chunk)
        {
            await Bounded.Eventually(() => sender.Gate.PendingBytes == Chunk);
            Assert.Equal(Length - gone, sender.Sender.QueuedBytes);
            sender.Gate.ReleaseOne();
        }

        await Bounded.Eventually(() => sender.Gate.IsFlushPending);
        Assert.Equal(0, sender.Sender.QueuedBytes);
        await sender.ReleaseAndDrainAsync();
        Assert.Equal([Chunk, Chunk, Chunk, Length % Chunk], sender.Gate.Flushes.Select(flush => flush.Bytes));
        Assert.Equal(SharedFramesTests.Payload(Size), Assert.Single(sender.Sent).Payload);
        Assert.Equal(0, sender.Arrays.Outstanding);
    }

    [Fact]
    public void Send_RunOfMoreThanAChunk_LeavesChunkByChunk()
    {
        using TestSender sender = new();
        SharedFrames run = sender.Runs.Rent(64);
        for (int i = 0; i < 10; i++)
        {
            run.Append(Opcode.Binary, SharedFramesTests.Payload(5_000 + i));
        }

        Assert.Equal(SendResult.Sent, sender.Sender.Send(run));

        Assert.Equal([Chunk, run.Length - Chunk], sender.Gate.Flushes.Select(flush => flush.Bytes));
        Assert.Equal(Enumerable.Range(5_000, 10), sender.Sent.Select(frame => frame.Payload.Length));
        Assert.Equal(1, sender.Arrays.Outstanding);
        run.Release();
        Assert.Equal(0, sender.Arrays.Outstanding);
    }

    [Fact]
    public async Task Send_MuchQueued_LeavesChunkByChunk()
    {
        using TestSender sender = new();
        sender.Stall();
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(SendResult.Queued, sender.Send(SharedFramesTests.Payload(1000)));
        }

        Assert.Equal(100 * 1004, sender.Sender.QueuedBytes);
        await sender.ReleaseAndDrainAsync();
        Assert.Equal([7, Chunk, Chunk, Chunk, (100 * 1004) % Chunk], sender.Gate.Flushes.Select(flush => flush.Bytes));
        Assert.Equal(101, sender.Sent.Count);
    }

    [Fact]
    public async Task Send_ExactlyTheBound_IsQueuedAndOneByteMoreIsDropped()
    {
        using TestSender sender = new(closeAtBytes: 100 + 7); // 7 bytes are in the flush that stalls
        sender.Stall();
        Assert.Equal(SendResult.Queued, sender.Send(SharedFramesTests.Payload(48)));
        Assert.Equal(SendResult.Queued, sender.Send(SharedFramesTests.Payload(48)));
        Assert.Equal(100, sender.Sender.QueuedBytes);
        Assert.Equal(107, sender.Sender.PendingBytes);
        Assert.Equal(0, sender.TooSlow);

        Assert.Equal(SendResult.Dropped, sender.Send([]));

        Assert.Equal(1, sender.TooSlow);
        Assert.Equal(4 + "too slow".Length, sender.Sender.QueuedBytes); // the close frame alone
        Assert.Equal(SendResult.Closed, sender.Send([]));
        Assert.Equal(SendResult.Closed, sender.Send(SharedFramesTests.Payload(500)));
        await sender.ReleaseAndDrainAsync();
        Assert.Equal(1, sender.TooSlow);
        Assert.Equal(2, sender.Sent.Count);
        Assert.Equal("first", sender.Sent[0].Text);
        Assert.Equal((true, 1009, "too slow"), (sender.Sent[1].IsClose, sender.Sent[1].CloseCode, sender.Sent[1].CloseReason));
        Assert.Empty(sender.Ends);
        Assert.Equal(0, sender.Arrays.Outstanding);
    }

    [Fact]
    public async Task Send_RunPassesTheBound_IsDroppedWholeAndCloses()
    {
        using TestSender sender = new(closeAtBytes: 10);
        sender.Stall();
        SharedFrames run = sender.Run("one", "two", "three");
        Assert.Equal(SendResult.Queued, sender.Send("wait"));

        Assert.Equal(SendResult.Dropped, sender.Sender.Send(run));
        Assert.Equal(SendResult.Closed, sender.Sender.Send(run));
        run.Release();

        Assert.Equal(1, sender.TooSlow);
        await sender.ReleaseAndDrainAsync();
        Assert.Equal(1009, sender.Sent[1].CloseCode);
        Assert.Equal(2, sender.Sent.Count);
    }

    [Fact]
    public async Task Send_LargerThanTheBound_IsAcceptedWhenNothingWaits()
    {
        using TestSender sender = new(closeAtBytes: 100);
        sender.Stall();

        Assert.Equal(SendResult.Queued, sender.Send(SharedFramesTests.Payload(1000)));
        Assert.Equal(1004, sender.Sender.QueuedBytes);

        await sender.ReleaseAndDrainAsync();
        Assert.Equal(SharedFramesTests.Payload(1000), sender.Sent[1].Payload);
        Assert.Equal(0, sender.TooSlow);
    }

    [Fact]
    public async Task Send_PassesTheBoundInMidMessage_CompletesItBeforeTheClose()
    {
        using TestSender sender = new(closeAtBytes: 2 * 100_010);
        sender.Gate.Hold();
        Assert.Equal(SendResult.Sent, sender.Send(SharedFramesTests.Payload(100_000)));
        sender.SendPong("lost with the queue");
        Assert.Equal(SendResult.Queued, sender.Send(SharedFramesTests.Payload(100_000)));

        Assert.Equal(SendResult.Dropped, sender.Send(SharedFramesTests.Payload(100_000)));

        Assert.Equal(100_010 - Chunk + 12, sender.Sender.QueuedBytes);
        await sender.ReleaseAndDrainAsync();
        Assert.Equal([2, 8], sender.Sent.Select(frame => frame.Opcode));
        Assert.Equal(SharedFramesTests.Payload(100_000), sender.Sent[0].Payload);
        Assert.Equal(1009, sender.Sent[1].CloseCode);
        Assert.Equal(0, sender.Arrays.Outstanding);
    }

    [Fact]
    public async Task Send_ManyThreadsPassTheBound_NotifyTheOwnerOnce()
    {
        using TestSender sender = new(closeAtBytes: 1_000 + 7);
        sender.Stall();

        SendResult[] results = [.. (await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(
            () => Enumerable.Range(0, 100).Select(_ => sender.Send(SharedFramesTests.Payload(18))).ToArray()))).Within())
                .SelectMany(each => each)];

        Assert.Equal(50, results.Count(result => result == SendResult.Queued));
        Assert.Equal(1, results.Count(result => result == SendResult.Dropped));
        Assert.Equal(749, results.Count(result => result == SendResult.Closed));
        Assert.Equal(1, sender.TooSlow);
        await sender.ReleaseAndDrainAsync();
        Assert.Equal(2, sender.Sent.Count);
    }

    [Fact]
    public async Task SendClose_FlushPends_ComesBehindTheQueueAndNothingBehindIt()
    {
        using TestSender sender = new();
        sender.Stall();
        sender.Send("second");

        Assert.True(sender.Sender.SendClose(CloseCode.GoingAway, "bye"));
        Assert.False(sender.Sender.SendClose(CloseCode.Normal, "again"));
        Assert.Equal(SendResult.Closed, sender.Send("late"));
        sender.SendPong("late");
        sender.Sender.SendPing();
        SharedFrames run = sender.Run("late");
        Assert.Equal(SendResult.Closed, sender.Sender.Send(run));
        run.Release();

        await sender.ReleaseAndDrainAsync();
        Assert.Equal(3, sender.Sent.Count);
        Assert.Equal((1001, "bye"), (sender.Sent[2].CloseCode, sender.Sent[2].CloseReason));
        sender.SendPong("late");
        sender.Sender.SendPing();
        Assert.Equal(SendResult.Closed, sender.Send("late"));
        Assert.Equal(3, sender.Sent.Count);
        Assert.Equal(0, sender.Arrays.Outstanding);
    }

    [Fact]
    public void SendClose_NoStatus_HasNoPayload()
    {
        using TestSender sender = new();

        Assert.True(sender.Sender.SendClose(CloseCode.NoStatus, "no code, no reason"));

        Assert.Equal([0x88, 0x00], sender.Gate.Sent);
    }

    [Fact]
    public void Send_SegmentedPayload_IsPutTogether()
    {
        using TestSender sender = new();
        byte[] payload = SharedFramesTests.Payload(9_000); // more than the writer's block of 4,096

        sender.Sender.Send(Opcode.Binary, Segments.Every(1_000, payload));
        sender.Sender.Send(Opcode.Binary, Segments.Whole(payload));

        Assert.All(sender.Sent, frame => Assert.Equal(payload, frame.Payload));
        Assert.Equal(2, sender.Sent.Count);
        Assert.Equal(new ReadOnlySequence<byte>(payload).Length + 4, sender.Gate.Flushes[0].Bytes);
    }
}
