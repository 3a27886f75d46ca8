using System.Text;
using Weir.Client.Sending;
using Weir.Testing;
using Xunit;

namespace Weir.Client.Tests.Sending;

public sealed class ClientSendQueueTests
{
    [Fact]
    public async Task TooMany_RefuseNewest_FailsTheNewOne()
    {
        using ClientSendQueue queue = new(new SendQueueOptions { MaxMessages = 2 }.ToSettings());
        RawSend[] sends = Add(queue, "a", "b", "c");

        Assert.Equal((Delivery.Failed, "the send queue is full"), Result(sends[2]));
        Assert.Equal([sends[0], sends[1]], [await queue.TakeAsync(default), await queue.TakeAsync(default)]);
    }

    [Fact]
    public async Task TooMany_DropOldest_FailsTheOldest()
    {
        using ClientSendQueue queue = new(new SendQueueOptions { MaxMessages = 2, WhenFull = WhenFull.DropOldest }.ToSettings());
        RawSend[] sends = Add(queue, "a", "b", "c");

        Assert.Equal(Delivery.Failed, Result(sends[0]).Delivery);
        Assert.Equal([sends[1], sends[2]], [await queue.TakeAsync(default), await queue.TakeAsync(default)]);
    }

    [Fact]
    public void TooManyBytes_AreRefused_OrDropAsManyAsItTakes()
    {
        using ClientSendQueue refusing = new(new SendQueueOptions { MaxBytes = 4 }.ToSettings());
        RawSend[] refused = Add(refusing, "1", "22", "333", "55555");
        using ClientSendQueue dropping = new(new SendQueueOptions { MaxBytes = 4, WhenFull = WhenFull.DropOldest }.ToSettings());
        RawSend[] dropped = Add(dropping, "1", "22", "4444", "55555");

        Assert.Equal([false, false, true, true], refused.Select(static send => send.Result.IsCompleted));
        Assert.Equal([true, true, false, true], dropped.Select(static send => send.Result.IsCompleted));
        Assert.Equal("larger than the whole send queue", Result(dropped[3]).Reason);
    }

    [Fact]
    public async Task Token_TakesOutWhatWaits_AndGivesItsPlaceBack()
    {
        using ClientSendQueue queue = new(new SendQueueOptions { MaxMessages = 1 }.ToSettings());
        using CancellationTokenSource given = new();
        RawSend first = new(Encoding.UTF8.GetBytes("first"), true);
        queue.Add(first, given.Token);

        await given.CancelAsync();

        await Assert.ThrowsAsync<TaskCanceledException>(() => first.Result.Within());
        RawSend second = Add(queue, "second")[0];
        Assert.Same(second, await queue.TakeAsync(default));
    }

    [Fact]
    public async Task Token_ThatWasCancelledBefore_TakesItOutAtOnce()
    {
        using ClientSendQueue queue = new(new SendQueueOptions().ToSettings());
        RawSend send = new(Encoding.UTF8.GetBytes("x"), true);

        queue.Add(send, new CancellationToken(canceled: true));

        await Assert.ThrowsAsync<TaskCanceledException>(() => send.Result.Within());
    }

    // A token of the whole program must not hold every message that was ever sent with it.
    [Fact]
    public async Task Token_DoesNotKeepWhatNoLongerWaits()
    {
        using ClientSendQueue queue = new(new SendQueueOptions().ToSettings());
        using CancellationTokenSource program = new();

        WeakReference sent = await SendAsync(queue, program.Token);
        for (int i = 0; i < 10 && sent.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(sent.IsAlive);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static async Task<WeakReference> SendAsync(ClientSendQueue queue, CancellationToken program)
        {
            RawSend send = new(Encoding.UTF8.GetBytes("x"), true);
            queue.Add(send, program);
            (await queue.TakeAsync(default))!.End(new DeliveryResult(Delivery.Written));
            return new WeakReference(send);
        }
    }

    [Fact]
    public async Task Token_OfAMessageInFlight_HasNoEffect()
    {
        using ClientSendQueue queue = new(new SendQueueOptions().ToSettings());
        using CancellationTokenSource given = new();
        RawSend send = new(Encoding.UTF8.GetBytes("x"), true);
        queue.Add(send, given.Token);
        Assert.Same(send, await queue.TakeAsync(default));

        await given.CancelAsync();
        send.End(new DeliveryResult(Delivery.Written));

        Assert.Equal(Delivery.Written, (await send.Result.Within()).Delivery);
    }

    [Fact]
    public async Task PutBack_IsTheNext()
    {
        using ClientSendQueue queue = new(new SendQueueOptions().ToSettings());
        RawSend[] sends = Add(queue, "a", "b");
        PendingSend taken = (await queue.TakeAsync(default))!;

        queue.PutBack(taken);

        Assert.Equal([sends[0], sends[1]], [await queue.TakeAsync(default), await queue.TakeAsync(default)]);
    }

    [Fact]
    public async Task Close_FailsWhatWaits_WhatComes_AndWhatIsPutBack()
    {
        using ClientSendQueue queue = new(new SendQueueOptions().ToSettings());
        RawSend[] sends = Add(queue, "taken", "waits");
        PendingSend taken = (await queue.TakeAsync(default))!;

        queue.Close("over");
        queue.PutBack(taken);

        Assert.All([.. sends, .. Add(queue, "late")], static send => Assert.Equal((Delivery.Failed, "over"), Result(send)));
    }

    [Fact]
    public async Task Take_WaitsUntilSomethingComes_OrIsCancelled()
    {
        using ClientSendQueue queue = new(new SendQueueOptions().ToSettings());
        using CancellationTokenSource stop = new();
        Task<PendingSend?> taking = queue.TakeAsync(stop.Token).AsTask();
        Assert.False(taking.IsCompleted);
        RawSend send = Add(queue, "x")[0];
        Assert.Same(send, await taking.Within());

        Task<PendingSend?> waiting = queue.TakeAsync(stop.Token).AsTask();
        await stop.CancelAsync();

        Assert.Null(await waiting.Within());
    }

    private static RawSend[] Add(ClientSendQueue queue, params string[] texts) => [.. texts.Select(text =>
    {
        RawSend send = new(Encoding.UTF8.GetBytes(text), true);
        queue.Add(send, CancellationToken.None);
        return send;
    })];

    private static (Delivery Delivery, string Reason) Result(RawSend send)
    {
        Assert.True(send.Result.IsCompletedSuccessfully);
        return (send.Result.Result.Delivery, send.Result.Result.Reason);
    }
}
