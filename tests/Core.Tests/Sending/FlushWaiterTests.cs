using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Weir.Protocol;
using Weir.Sending;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Core.Tests.Sending;

public sealed class FlushWaiterTests
{
    private const int Waits = 10_000;

    // The pipe runs inline: reading from it ends the flush, the wait and its awaiter on this one thread. The count is exact.
    [Fact]
    public void DrainAsync_ManyWaits_AllocateNothing()
    {
        Pipe pipe = new(new PipeOptions(
            pauseWriterThreshold: 64, resumeWriterThreshold: 32, readerScheduler: PipeScheduler.Inline,
                writerScheduler: PipeScheduler.Inline));
        ConnectionSender sender = new(pipe.Writer, RecordingOwner.Settings(SharedFramesPool.Shared), new RecordingOwner(), deflate: null);
        ReadOnlySequence<byte> message = new(new byte[100]);
        int completed = 0;
        ValueTaskAwaiter waiting = default;
        Action onDrained = () =>
        {
            waiting.GetResult();
            completed++;
        };
        Run();
        completed = 0;

        int rounds = 0;
        long allocated = Allocations.LeastOf(() =>
        {
            rounds++;
            Run();
        });

        Assert.Equal(0, allocated);
        Assert.Equal(rounds * Waits, completed);

        void Run()
        {
            for (int i = 0; i < Waits; i++)
            {
                sender.Send(Opcode.Binary, message);
                Wait(sender.DrainAsync());
                Assert.True(pipe.Reader.TryRead(out ReadResult result));
                pipe.Reader.AdvanceTo(result.Buffer.End);
            }
        }

        void Wait(ValueTask drained)
        {
            Assert.False(drained.IsCompleted);
            waiting = drained.GetAwaiter();
            waiting.UnsafeOnCompleted(onDrained);
        }
    }

    [Fact]
    public async Task DrainAsync_ManyConnectionsOnManyThreads_EachReturnsForItsOwn()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(static _ => Task.Run(async () =>
        {
            using TestSender sender = new();
            for (int i = 0; i < 500; i++)
            {
                sender.Stall();
                Task drained = WaitAsync(sender.Sender);
                Assert.False(drained.IsCompleted);
                sender.Gate.Release();
                await drained.Within();
                Assert.False(sender.Sender.IsBusy);
            }
        })));

        static async Task WaitAsync(ConnectionSender sender) => await sender.DrainAsync();
    }
}
