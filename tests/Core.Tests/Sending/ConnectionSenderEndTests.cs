using System.Buffers;
using System.IO.Pipelines;
using Weir.Protocol;
using Weir.Sending;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Sending;

public sealed class ConnectionSenderEndTests
{
    private static readonly IOException _reset = new("reset");
    private static readonly NotSupportedException _bug = new("a bug below");
    private static readonly ReadOnlySequence<byte> _payload = new([1, 2, 3]);

    [Theory]
    [InlineData("expected", true)]
    [InlineData("expected", false)]
    [InlineData("unexpected", true)]
    [InlineData("unexpected", false)]
    [InlineData("completed", true)]
    [InlineData("completed", false)]
    [InlineData("cancelled", true)]
    [InlineData("cancelled", false)]
    public async Task Flush_Fails_EndsTheTransportOnce(string how, bool whilePending)
    {
        using TestSender sender = new();
        if (whilePending)
        {
            sender.Stall();
            sender.Send("waiting");
            sender.SendPong("waiting");
            Task drained = sender.Sender.DrainAsync().AsTask();
            Assert.False(drained.IsCompleted);
            Fail(sender.Gate, how);
            await drained.Within();
        }
        else
        {
            Fail(sender.Gate, how);
            sender.Send("first");
        }

        await Bounded.Eventually(() => sender.Ends.Count > 0);
        Assert.Same(how == "expected" ? _reset : how == "unexpected" ? _bug : null, Assert.Single(sender.Ends));
        Assert.Equal(SendResult.Closed, sender.Send("late"));
        Assert.False(sender.Sender.SendClose(CloseCode.Normal, ""));
        sender.SendPong("late");
        sender.Sender.SendPing();
        Assert.True(sender.Sender.DrainAsync().AsTask().IsCompleted);
        Assert.Equal(0, sender.Sender.QueuedBytes);
        Assert.False(sender.Sender.IsBusy);
        sender.Sender.End();
        Assert.Single(sender.Ends);
        Assert.Empty(sender.Texts);
        Assert.Equal(0, sender.TooSlow);
        Assert.Equal(0, sender.Arrays.Outstanding);
    }

    [Fact]
    public async Task End_FlushPends_ReleasesTheQueueAtOnce()
    {
        using TestSender sender = new();
        sender.Stall();
        sender.Send("waiting");
        sender.SendPong("waiting");
        Task drained = sender.Sender.DrainAsync().AsTask();

        sender.Sender.End();

        Assert.Equal(0, sender.Arrays.Outstanding);
        Assert.Equal(0, sender.Sender.QueuedBytes);
        Assert.Equal(SendResult.Closed, sender.Send("late"));
        Assert.True(sender.Sender.DrainAsync().AsTask().IsCompleted);
        Assert.True(sender.Sender.IsBusy); // the flush still holds the queue: it must not be lent to another
        sender.Gate.Release();
        await drained.Within();
        Assert.False(sender.Sender.IsBusy);
        Assert.Equal(["first"], sender.Texts);
        Assert.Single(sender.Gate.Flushes);
        Assert.Empty(sender.Ends); // the caller that ended it needs no notification
    }

    [Fact]
    public async Task End_FlushPendsAndThenFails_NotifiesNoOwner()
    {
        using TestSender sender = new();
        sender.Stall();
        Task drained = sender.Sender.DrainAsync().AsTask();
        sender.Sender.End();

        sender.Gate.FailWith(_reset);

        await drained.Within();
        Assert.Empty(sender.Ends);
    }

    [Fact]
    public async Task End_AfterTooSlow_ReleasesTheCloseFrame()
    {
        using TestSender sender = new(closeAtBytes: 1);
        sender.Stall();
        sender.Send("waiting");
        Assert.Equal(SendResult.Dropped, sender.Send("too much"));

        sender.Sender.End();

        Assert.Equal(0, sender.Arrays.Outstanding);
        sender.Gate.Release();
        await Bounded.Eventually(() => !sender.Sender.IsBusy);
        Assert.Equal(["first"], sender.Texts);
    }

    [Fact]
    public async Task DrainAsync_QueueWaits_CompletesWhenAllIsTaken()
    {
        using TestSender sender = new();
        Assert.True(sender.Sender.DrainAsync().AsTask().IsCompletedSuccessfully);
        sender.Stall();
        sender.Send("second");

        Task drained = sender.Sender.DrainAsync().AsTask();
        sender.Gate.ReleaseOne();
        await Bounded.Eventually(() => sender.Gate.IsFlushPending);
        Assert.False(drained.IsCompleted); // the second message has been handed over, but not taken
        sender.Gate.ReleaseOne();

        await drained.Within();
        Assert.Equal(["first", "second"], sender.Texts);
        Assert.True(sender.Sender.DrainAsync().AsTask().IsCompletedSuccessfully);
    }

    [Fact]
    public async Task DrainAsync_FlushEndsOnASendersThread_ContinuesElsewhere()
    {
        // That thread may be in the middle of a room: the loop that waits must not run under its hands.
        using TestSender pools = new();
        ScriptedWriter writer = new();
        ConnectionSender sender = NewSender(writer, pools, new RecordingOwner());
        Task<int>? continued = null;
        writer.OnFlush = () =>
        {
            continued = sender.DrainAsync().AsTask().ContinueWith(
                static _ => Environment.CurrentManagedThreadId, TaskContinuationOptions.ExecuteSynchronously);
            return default;
        };
        int sendersThread = 0;
        Thread thread = new(() =>
        {
            sendersThread = Environment.CurrentManagedThreadId;
            sender.Send(Opcode.Text, _payload);
        });
        thread.Start();
        Assert.True(thread.Join(Bounded.DefaultLimit));

        Assert.NotEqual(sendersThread, await continued!.Within());
    }

    [Theory]
    [InlineData("GetSpan")]
    [InlineData("Advance")]
    [InlineData("Flush")]
    public void Send_WriterThrows_EndsThisConnectionOnly(string at)
    {
        using TestSender pools = new();
        Action<ConnectionSender>[] ways =
        [
            sender => Assert.Equal(at == "Flush" ? SendResult.Sent : SendResult.Closed, sender.Send(Opcode.Text, _payload)),
            sender => sender.Send(Opcode.Text, new(SharedFramesTests.Payload(100_000))),
            sender =>
            {
                SharedFrames run = pools.Run("one", "two");
                sender.Send(run);
                run.Release();
            },
            sender => sender.SendPong(_payload),
            sender => sender.SendPing(),
            sender => sender.SendClose(CloseCode.Normal, ""),
        ];
        foreach (Action<ConnectionSender> way in ways)
        {
            RecordingOwner owner = new();
            ScriptedWriter writer = new();
            switch (at)
            {
                case "GetSpan":
                    writer.OnGetSpan = () => throw _bug;
                    break;
                case "Advance":
                    writer.OnAdvance = () => throw _bug;
                    break;
                default:
                    writer.OnFlush = () => throw _bug;
                    break;
            }

            ConnectionSender sender = NewSender(writer, pools, owner);

            way(sender);

            Assert.Same(_bug, Assert.Single(owner.Ends));
            Assert.Equal(SendResult.Closed, sender.Send(Opcode.Text, _payload));
            Assert.True(sender.DrainAsync().AsTask().IsCompleted);
            Assert.Equal(0, pools.Arrays.Outstanding);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Flush_WriterThrowsAtTheNextChunk_EndsTheTransport(bool whilePending)
    {
        // After a wait the exception comes on a thread of the pool, where no caller could catch it.
        using TestSender pools = new();
        TaskCompletionSource<FlushResult> flush = new(TaskCreationOptions.RunContinuationsAsynchronously);
        RecordingOwner owner = new();
        ScriptedWriter writer = new();
        writer.OnFlush = () =>
        {
            writer.OnGetSpan = () => throw _bug;
            return whilePending ? new ValueTask<FlushResult>(flush.Task) : default;
        };
        ConnectionSender sender = NewSender(writer, pools, owner);

        sender.Send(Opcode.Text, new(SharedFramesTests.Payload(100_000)));
        Task drained = sender.DrainAsync().AsTask();
        flush.SetResult(default);

        await drained.Within();
        await Bounded.Eventually(() => owner.Ends.Count > 0);
        Assert.Same(_bug, Assert.Single(owner.Ends));
        Assert.Equal(0, pools.Arrays.Outstanding);
        Assert.Equal(SendResult.Closed, sender.Send(Opcode.Text, _payload));
    }

    private static ConnectionSender NewSender(ScriptedWriter writer, TestSender pools, ISenderOwner owner)
        => new(writer, RecordingOwner.Settings(pools.Runs, pools.Zlib), owner, deflate: null);

    private static void Fail(StallingPipeWriter gate, string how)
    {
        switch (how)
        {
            case "expected":
                gate.FailWith(_reset);
                break;
            case "unexpected":
                gate.FailWith(_bug);
                break;
            case "completed":
                gate.CompleteReader();
                break;
            default:
                gate.CancelPendingFlush();
                break;
        }
    }
}
