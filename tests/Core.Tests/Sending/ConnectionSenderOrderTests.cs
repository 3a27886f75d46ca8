using System.Buffers.Binary;
using Weir.Protocol;
using Weir.Sending;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Sending;

public sealed class ConnectionSenderOrderTests
{
    private const int Threads = 8;
    private const int PerThread = 2_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Send_ManyThreads_WholeMessagesEachThreadsInOrder(bool stalls)
    {
        using TestSender sender = new(closeAtBytes: long.MaxValue);
        using Barrier start = new(Threads);
        if (stalls)
        {
            sender.Gate.Hold();
        }

        Task senders = Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(
            () => SendAll(sender, thread, start), TaskCreationOptions.LongRunning)));
        while (!senders.IsCompleted || sender.Sender.IsBusy)
        {
            if (sender.Gate.IsFlushPending)
            {
                sender.Gate.ReleaseOne();
            }

            await Task.Yield();
        }

        await senders.Within();
        await sender.ReleaseAndDrainAsync();
        sender.Gate.AssertClean(); // nothing was written into a pending flush
        Assert.Equal(stalls, sender.Gate.Flushes.Any(flush => flush.Stalled));
        AssertOrder(sender.Sent);
        Assert.Equal(0, sender.TooSlow);
        Assert.Equal(0, sender.Arrays.Outstanding);
    }

    private static void SendAll(TestSender sender, int thread, Barrier start)
    {
        start.SignalAndWait();
        for (int i = 0; i < PerThread; i++)
        {
            byte[] message = Message(thread, i);
            if (i % 3 == 0)
            {
                SharedFrames run = sender.Runs.Rent(message.Length + FrameHeader.MaxUnmaskedLength);
                run.Append(Opcode.Binary, message);
                Assert.True(sender.Sender.Send(run) <= SendResult.Queued);
                run.Release();
            }
            else
            {
                Assert.True(sender.Send(message) <= SendResult.Queued);
            }

            if (i % 500 == 0)
            {
                sender.SendPong("pong");
                sender.Sender.SendPing();
            }
        }
    }

    // Thread, number, then one byte over and over: 8 to 400 bytes, and now and then more than a chunk.
    private static byte[] Message(int thread, int number)
    {
        byte[] message = new byte[number % 500 == 250 ? 40_000 : 8 + (number % 393)];
        message.AsSpan().Fill((byte)((thread * 31) + number));
        BinaryPrimitives.WriteInt32BigEndian(message, thread);
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(4), number);
        return message;
    }

    private static void AssertOrder(IReadOnlyList<ServerFrame> frames)
    {
        int[] next = new int[Threads];
        foreach (ServerFrame frame in frames.Where(frame => frame.Opcode == 0x2))
        {
            int thread = BinaryPrimitives.ReadInt32BigEndian(frame.Payload);
            Assert.Equal(Message(thread, next[thread]++), frame.Payload);
        }

        Assert.Equal(Enumerable.Repeat(PerThread, Threads), next);
    }
}
