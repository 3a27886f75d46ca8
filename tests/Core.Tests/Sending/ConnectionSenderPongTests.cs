using Weir.Protocol;
using Weir.Sending;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Sending;

public sealed class ConnectionSenderPongTests
{
    private const int Chunk = ConnectionSender.ChunkBytes;

    [Fact]
    public void SendPong_TransportFree_LeavesAtOnce()
    {
        using TestSender sender = new();

        sender.SendPong("a");
        sender.SendPong("b");

        Assert.Equal(["a", "b"], sender.Texts);
        Assert.All(sender.Sent, frame => Assert.Equal(0xA, frame.Opcode));
    }

    [Fact]
    public async Task SendPong_Flood_KeepsTheLatestBeforeUnstartedMessages()
    {
        using TestSender sender = new();
        sender.Stall();
        sender.Send("waiting");
        for (int i = 0; i < 1_000; i++)
        {
            sender.SendPong($"{i}");
        }

        Assert.Equal(2, sender.Arrays.Outstanding);
        Assert.Equal(9, sender.Sender.QueuedBytes);
        await sender.ReleaseAndDrainAsync();
        Assert.Equal(["first", "999", "waiting"], sender.Texts);
        Assert.Equal(0, sender.Arrays.Outstanding);
    }

    [Fact]
    public async Task SendPong_NothingElseWaits_LeavesAfterTheFlush()
    {
        using TestSender sender = new();
        sender.Stall();
        sender.SendPong("pong");

        await sender.ReleaseAndDrainAsync();
        Assert.Equal(["first", "pong"], sender.Texts);
    }

    [Fact]
    public async Task SendPong_MessageHalfWritten_WaitsForItsEnd()
    {
        using TestSender sender = new();
        sender.Gate.Hold();
        sender.Send(SharedFramesTests.Payload(2 * Chunk));
        sender.Send("behind");
        sender.SendPong("pong");

        await sender.ReleaseAndDrainAsync();
        Assert.Equal([0x2, 0xA, 0x1], sender.Sent.Select(frame => frame.Opcode));
        Assert.Equal(SharedFramesTests.Payload(2 * Chunk), sender.Sent[0].Payload);
    }

    [Fact]
    public async Task SendPong_AtTheBorderOfAChunk_IsNotTruncatedByTheClose()
    {
        using TestSender sender = new(closeAtBytes: 100_000);
        sender.Gate.Hold();
        sender.Send(SharedFramesTests.Payload((2 * Chunk) - 10 - 3)); // leaves room for three bytes in the second chunk
        sender.SendPong("does not fit");
        sender.Gate.ReleaseOne();
        await Bounded.Eventually(() => sender.Gate.PendingBytes > 0);

        sender.SendPong("the answer to a later Ping");
        sender.Send(SharedFramesTests.Payload(90_000));
        Assert.Equal(SendResult.Dropped, sender.Send(SharedFramesTests.Payload(90_000)));

        await sender.ReleaseAndDrainAsync();
        Assert.Equal([0x2, 0xA, 0x8], sender.Sent.Select(frame => frame.Opcode));
        Assert.Equal("does not fit", sender.Sent[1].Text);
        Assert.Equal(1009, sender.Sent[2].CloseCode);
    }

    [Fact]
    public async Task SendPing_OthersWait_GoesAheadOfThemOnce()
    {
        using TestSender sender = new();
        Assert.True(sender.Sender.SendPing());
        Assert.Equal([0x89, 0x00], sender.Gate.Sent);
        sender.Stall();
        sender.Send("waits");
        Assert.True(sender.Sender.SendPing());
        Assert.False(sender.Sender.SendPing()); // one waits already

        await sender.ReleaseAndDrainAsync();
        Assert.Equal([0x9, 0x1, 0x9, 0x1], sender.Sent.Select(frame => frame.Opcode));
        Assert.Equal(0, sender.Arrays.Outstanding);
    }

    [Fact]
    public async Task SendHeartbeat_MessageHalfWritten_GoesBetweenItAndTheNext()
    {
        using TestSender sender = new();
        sender.Gate.Hold();
        sender.Send(SharedFramesTests.Payload(3 * Chunk));
        sender.Send("behind");
        Assert.True(sender.Sender.SendHeartbeat(Opcode.Text, new System.Buffers.ReadOnlySequence<byte>("{}"u8.ToArray())));

        await sender.ReleaseAndDrainAsync();
        Assert.Equal([0x2, 0x1, 0x1], sender.Sent.Select(frame => frame.Opcode));
        Assert.Equal(["{}", "behind"], sender.Sent.Skip(1).Select(frame => frame.Text));
    }

    // A room's burst is one run of many messages, and one entry of the queue.
    [Fact]
    public async Task SendPing_RunHalfWritten_GoesBetweenTwoOfItsMessages()
    {
        using TestSender sender = new();
        sender.Gate.Hold();
        SharedFrames run = sender.Runs.Rent(Chunk);
        for (int i = 0; i < 10; i++)
        {
            run.Append(Opcode.Binary, SharedFramesTests.Payload(Chunk / 2));
        }

        sender.Sender.Send(run);
        run.Release();
        sender.Sender.SendPing();
        sender.SendPong("pong");

        await sender.ReleaseAndDrainAsync();
        Assert.Equal(12, sender.Sent.Count);
        int ping = sender.Sent.ToList().FindIndex(frame => frame.Opcode == 0x9);
        Assert.InRange(ping, 1, 5);
        Assert.Equal(0xA, sender.Sent[ping - 1].Opcode);
        Assert.All(sender.Sent.Where(frame => frame.Opcode == 0x2),
            frame => Assert.Equal(SharedFramesTests.Payload(Chunk / 2), frame.Payload));
    }

    [Fact]
    public async Task SendPing_ClosedAsTooSlow_IsDroppedWithTheQueue()
    {
        using TestSender sender = new(closeAtBytes: 1_000);
        sender.Stall();
        sender.Send("waits");
        sender.Sender.SendPing();
        Assert.Equal(SendResult.Dropped, sender.Send(SharedFramesTests.Payload(2_000)));

        await sender.ReleaseAndDrainAsync();
        Assert.Equal([0x1, 0x8], sender.Sent.Select(frame => frame.Opcode));
        Assert.Equal(0, sender.Arrays.Outstanding);
    }
}
