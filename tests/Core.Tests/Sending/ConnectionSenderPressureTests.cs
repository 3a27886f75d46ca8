using Weir.Protocol;
using Weir.Sending;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Sending;

public sealed class ConnectionSenderPressureTests
{
    [Fact]
    public async Task OnPressure_HighWaterPassed_IsCalledOnceAndAgainWhenAllHasLeft()
    {
        using TestSender sender = new(pressure: new PressureOptions { HighWaterBytes = 20, CloseAtBytes = 1000 });
        sender.Stall(); // 7 bytes in the flush
        sender.Send("123456"); // 15
        Assert.Equal(["began"], sender.Pressure);

        sender.Send("123"); // 20
        sender.Send("more");

        Assert.Equal(["began", "high"], sender.Pressure);
        await sender.ReleaseAndDrainAsync();
        Assert.Equal(["began", "high", "low"], sender.Pressure);
        sender.Stall();
        sender.Send(new string('x', 20));
        Assert.Equal(["began", "high", "low", "began", "high"], sender.Pressure);
    }

    [Fact]
    public void OnPressure_MarkIsZero_IsNeverCalled()
    {
        using TestSender sender = new(pressure: new PressureOptions { HighWaterBytes = 0 });
        sender.Stall();
        sender.Send(new byte[100_000]);

        Assert.Equal(["began"], sender.Pressure);
    }

    [Fact]
    public async Task DropNewest_BeyondTheLimit_KeepsWhatWasThere()
    {
        using TestSender sender = new(pressure: new PressureOptions { CloseAtBytes = 7 + 12, Policy = PressurePolicy.DropNewest });
        sender.Stall();
        Assert.Equal(SendResult.Queued, sender.Send("1111"));
        Assert.Equal(SendResult.Queued, sender.Send("2222"));

        Assert.Equal(SendResult.Dropped, sender.Send("3333"));

        Assert.Equal(["began", "dropped 1"], sender.Pressure);
        Assert.Equal(0, sender.TooSlow);
        await sender.ReleaseAndDrainAsync();
        Assert.Equal(["first", "1111", "2222"], sender.Texts);
        Assert.Equal(SendResult.Sent, sender.Send("after"));
    }

    [Fact]
    public async Task DropOldest_BeyondTheLimit_KeepsTheNewest()
    {
        using TestSender sender = new(pressure: new PressureOptions { CloseAtBytes = 7 + 12, Policy = PressurePolicy.DropOldest });
        sender.Stall();
        sender.Send("1111");
        sender.Send("2222");

        Assert.Equal(SendResult.Queued, sender.Send("3333"));

        Assert.Equal(["began", "dropped 1"], sender.Pressure);
        Assert.Equal(7 + 12, sender.Sender.PendingBytes);
        await sender.ReleaseAndDrainAsync();
        Assert.Equal(["first", "2222", "3333"], sender.Texts);
    }

    [Fact]
    public async Task DropOldest_RunOfSeveralMessages_DropsThemOneByOne()
    {
        using TestSender sender = new(pressure: new PressureOptions { CloseAtBytes = 7 + 18, Policy = PressurePolicy.DropOldest });
        sender.Stall();
        SharedFrames run = sender.Run("1111", "2222", "3333");
        sender.Sender.Send(run);
        run.Release();

        sender.Send("4444444444"); // 12 bytes: two of the run's messages must go

        Assert.Equal("dropped 2", sender.Pressure[^1]);
        await sender.ReleaseAndDrainAsync();
        Assert.Equal(["first", "3333", "4444444444"], sender.Texts);
    }

    [Fact]
    public async Task DropOldest_HeadIsHalfWritten_CompletesIt()
    {
        using TestSender sender = new(pressure: new PressureOptions { CloseAtBytes = 50_010, Policy = PressurePolicy.DropOldest });
        sender.Gate.Hold();
        byte[] large = SharedFramesTests.Payload(50_000);
        Assert.Equal(SendResult.Sent, sender.Send(large)); // the first 32 KiB are in the flush
        sender.Send("waits");
        sender.SendPong("before what is not started");

        sender.Send(SharedFramesTests.Payload(40_000));

        Assert.Contains("dropped 1", sender.Pressure);
        await sender.ReleaseAndDrainAsync();
        Assert.Equal([2, 10, 2], sender.Sent.Select(frame => frame.Opcode));
        Assert.Equal(large, sender.Sent[0].Payload);
        Assert.Equal(40_000, sender.Sent[2].Payload.Length);
    }

    [Fact]
    public async Task KeepLatest_SameKeyWaits_TakesItsPlace()
    {
        using TestSender sender = new(pressure: new PressureOptions { Policy = PressurePolicy.KeepLatest });
        sender.Stall();
        Send(sender, "EUR 1", "EUR");
        Send(sender, "USD 1", "USD");
        Send(sender, "plain", key: null);

        Send(sender, "EUR 22", "EUR");
        Send(sender, "EUR 333", "EUR");

        Assert.Equal(["began", "dropped 1", "dropped 1"], sender.Pressure);
        await sender.ReleaseAndDrainAsync();
        Assert.Equal(["first", "EUR 333", "USD 1", "plain"], sender.Texts);
    }

    [Fact]
    public async Task KeepLatest_EarlierOneHasLeft_IsQueuedAnew()
    {
        using TestSender sender = new(pressure: new PressureOptions { Policy = PressurePolicy.KeepLatest });
        sender.Stall();
        Send(sender, "EUR 1", "EUR");
        await sender.ReleaseAndDrainAsync();
        sender.Stall("second");
        Send(sender, "EUR 2", "EUR");
        Send(sender, "EUR 3", "EUR");

        await sender.ReleaseAndDrainAsync();

        Assert.Equal(["first", "EUR 1", "second", "EUR 3"], sender.Texts);
    }

    [Fact]
    public void KeepLatest_ManyKeysBeyondTheLimit_Closes()
    {
        using TestSender sender = new(pressure: new PressureOptions { CloseAtBytes = 7 + 14, Policy = PressurePolicy.KeepLatest });
        sender.Stall();
        Send(sender, "EUR 1", "EUR");
        Send(sender, "USD 1", "USD");

        Assert.Equal(SendResult.Dropped, Send(sender, "CHF 1", "CHF"));
        Assert.Equal(1, sender.TooSlow);
    }

    [Fact]
    public async Task CheckDelay_OldestHasWaitedTooLong_ClosesWithTheConfiguredCode()
    {
        using TestSender sender = new(pressure: new PressureOptions { CloseCode = (CloseCode)4100, CloseReason = "catch up" });
        sender.Stall();
        sender.CurrentTick = 50;
        sender.Send("waits");
        sender.CurrentTick = 60;
        sender.Send("waits less");

        Assert.Equal(90, sender.Sender.CheckDelay(100));
        sender.CurrentTick = 149;
        Assert.Equal(1, sender.Sender.CheckDelay(100));
        Assert.Equal(0, sender.TooSlow);
        sender.CurrentTick = 150;
        Assert.Null(sender.Sender.CheckDelay(100));

        Assert.Equal(1, sender.TooSlow);
        await sender.ReleaseAndDrainAsync();
        Assert.Equal((4100, "catch up"), (sender.Sent[1].CloseCode, sender.Sent[1].CloseReason));
        Assert.Equal(2, sender.Sent.Count);
    }

    [Fact]
    public void CheckDelay_NoDataWaits_HasNothingToCheck()
    {
        using TestSender sender = new();
        Assert.Null(sender.Sender.CheckDelay(1));
        sender.Stall();
        Assert.Null(sender.Sender.CheckDelay(0)); // in a flush, but not in the queue
        Assert.Equal(0, sender.TooSlow);
    }

    [Fact]
    public async Task CloseAsTooSlow_FreesTheQueueAtOnce()
    {
        using TestSender sender = new();
        sender.Stall();
        for (int i = 0; i < 100; i++)
        {
            sender.Send(SharedFramesTests.Payload(1000));
        }

        Assert.Equal(100 * 1004, sender.Ledger.Bytes);
        long freed = sender.Sender.CloseAsTooSlow();

        int close = 4 + "too slow".Length;
        Assert.Equal((100 * 1004) - close, freed);
        Assert.Equal(close, sender.Ledger.Bytes);
        Assert.Equal(1, sender.Arrays.Outstanding); // the close frame
        await sender.ReleaseAndDrainAsync();
        Assert.Equal(0, sender.Ledger.Bytes);
        Assert.Equal(0, sender.Ledger.Waiting);
    }

    [Fact]
    public async Task Ledger_OverBudget_ShedsTheWorstFirstAndOnlyAsManyAsNeeded()
    {
        using DiagnosticArrayPool arrays = new();
        PressureLedger ledger = new(budgetBytes: 10_000);
        SharedFramesPool runs = new(arrays);
        Waiter[] waiters = [.. Enumerable.Range(0, 5).Select(_ => new Waiter(runs, ledger))];
        int[] sizes = [1000, 3000, 500, 2000, 3000]; // 9,500 bytes and 20 of headers

        for (int i = 0; i < waiters.Length; i++)
        {
            waiters[i].Fill(sizes[i]);
        }

        Assert.DoesNotContain(true, waiters.Select(waiter => waiter.Owner.TooSlow > 0));
        waiters[3].Fill(600); // now the fourth has 2,600, and the budget is passed

        // 10,124 bytes: one of the two with 3,000 brings it below 9,000.
        Assert.Equal(1, waiters.Sum(waiter => waiter.Owner.TooSlow));
        Assert.Equal(1, waiters[1].Owner.TooSlow + waiters[4].Owner.TooSlow);
        Assert.InRange(ledger.Bytes, 1, 9_000);
        foreach (Waiter waiter in waiters)
        {
            await waiter.EndAsync();
        }

        Assert.Equal(0, ledger.Bytes);
        Assert.Equal(0, ledger.Waiting);
    }

    [Fact]
    public async Task Ledger_ManySendersAtOnce_EndsAtZero()
    {
        using DiagnosticArrayPool arrays = new();
        PressureLedger ledger = new(budgetBytes: 200_000);
        SharedFramesPool runs = new(arrays);
        Waiter[] waiters = [.. Enumerable.Range(0, 50).Select(_ => new Waiter(runs, ledger))];

        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            Random random = new(thread);
            for (int i = 0; i < 2_000; i++)
            {
                waiters[random.Next(waiters.Length)].Fill(random.Next(1, 500));
            }
        }))).Within();

        Assert.InRange(ledger.Bytes, 0, 200_000 + (4 * 510)); // what four threads may add before one of them sheds
        Assert.Contains(true, waiters.Select(waiter => waiter.Owner.TooSlow > 0));
        foreach (Waiter waiter in waiters)
        {
            await waiter.EndAsync();
        }

        Assert.Equal((0, 0), (ledger.Bytes, ledger.Waiting));
    }

    private static SendResult Send(TestSender sender, string text, string? key)
        => sender.Sender.Send(Opcode.Text, new(System.Text.Encoding.UTF8.GetBytes(text)), key);

    // A sender whose flush never ends by itself.
    private sealed class Waiter : IDisposable
    {
        private readonly DiagnosticMemoryPool _blocks = new();
        private readonly StallingPipeWriter _writer;
        private readonly ConnectionSender _sender;

        public Waiter(SharedFramesPool runs, PressureLedger ledger)
        {
            _writer = new StallingPipeWriter(_blocks);
            _sender = new ConnectionSender(
                _writer, new SendSettings(runs, new PressureOptions().ToSettings(), ledger, 0, null), Owner, deflate: null);
            _writer.Hold();
            _sender.Send(Opcode.Binary, new(new byte[1]));
        }

        public RecordingOwner Owner { get; } = new();

        public void Fill(int bytes) => _sender.Send(Opcode.Binary, new(new byte[bytes]));

        public async Task EndAsync()
        {
            Task drained = _sender.DrainAsync().AsTask();
            _writer.Release();
            await drained.Within();
            _sender.End();
            _writer.Complete();
            Dispose();
        }

        public void Dispose() => _blocks.Dispose();
    }
}
