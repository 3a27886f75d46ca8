using System.Text;
using Microsoft.Extensions.Logging;
using Weir.Closing;
using Weir.Connections;
using Weir.Handshake;
using Weir.Protocol;
using Weir.Sending;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Connections;

public sealed class WeirConnectionCloseTests
{
    [Fact]
    public async Task Client_Closes_IsAnsweredWithItsCode()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();

        await client.SendAsync(Frames.Text("hello"), Frames.Close(4001, "bye"), Frames.Text("late"));

        ServerFrame answer = Assert.Single(await client.ReadFramesToEndAsync());
        Assert.Equal((4001, ""), (answer.CloseCode, answer.CloseReason));
        await client.Finished.Within();
        Assert.Equal(["upgrade", "opened", "hello", "closed"], server.Handler.Calls);
        AssertClosed(server, new WeirClosure((CloseCode)4001, "bye", CloseCause.ClientClosed));
    }

    [Fact]
    public async Task Client_ClosesWithoutACode_IsAnsweredWithoutOne()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();

        await client.SendAsync(Frames.Close(code: null));

        Assert.Equal("\x88\0", await client.ReadToEndAsync());
        await client.Finished.Within();
        AssertClosed(server, new WeirClosure(CloseCode.NoStatus, "", CloseCause.ClientClosed));
    }

    [Fact]
    public async Task Server_Closes_EndsWithTheClientsAnswer()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();
        WeirConnection connection = server.Handler.Connection;

        connection.Send("before");
        Assert.True(connection.Close(CloseCode.TryAgainLater, "busy"));
        Assert.False(connection.Close());
        Assert.Equal(SendResult.Closed, connection.Send("late"));
        await client.SendAsync(Frames.Text("crossing"), Frames.Ping(), Frames.Hex("FF FF FF FF FF"));
        Assert.False(client.Finished.IsCompleted);

        Assert.Equal("before", (await client.ReadFrameAsync()).Text);
        ServerFrame close = await client.ReadFrameAsync();
        Assert.Equal((1013, "busy"), (close.CloseCode, close.CloseReason));
        client.EndOutput();
        await client.Finished.Within();
        Assert.Empty(await client.ReadFramesToEndAsync());
        Assert.Equal(["upgrade", "opened", "closed"], server.Handler.Calls);
        AssertClosed(server, new WeirClosure(CloseCode.TryAgainLater, "busy", CloseCause.ApplicationClosed));
    }

    [Fact]
    public async Task Server_ClosesAndTheClientAnswers_TheFirstCodeStands()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();
        server.Handler.Connection.Close(CloseCode.GoingAway, "first");

        await client.SendAsync(Frames.Close(4000, "second"));

        Assert.Equal(1001, Assert.Single(await client.ReadFramesToEndAsync()).CloseCode);
        await client.Finished.Within();
        AssertClosed(server, new WeirClosure(CloseCode.GoingAway, "first", CloseCause.ApplicationClosed));
    }

    [Fact]
    public async Task Server_ClosesInAMessage_ReceivesNoneBehindIt()
    {
        await using WeirConnectionHarness server = new();
        server.Handler.OnMessage = (connection, _) =>
        {
            connection.Send("answer");
            connection.Close();
            connection.Send("not sent");
            return default;
        };
        WeirConnectionClient client = await server.ConnectAsync();

        await client.SendAsync(Frames.Text("one"), Frames.Text("two"), Frames.Text("three", fin: false), Frames.Close());

        Assert.Equal([0x1, 0x8], (await client.ReadFramesToEndAsync()).Select(frame => frame.Opcode));
        await client.Finished.Within();
        Assert.Equal(["upgrade", "opened", "one", "closed"], server.Handler.Calls);
        AssertClosed(server, new WeirClosure(CloseCode.Normal, "", CloseCause.ApplicationClosed));
    }

    [Fact]
    public async Task Server_ClosesWithoutAnAnswer_IsAbortedAfterTheTimeout()
    {
        await using WeirConnectionHarness server = new(options => options.CloseTimeout = TimeSpan.FromSeconds(3));
        WeirConnectionClient client = await server.ConnectAsync();
        server.Wait(TimeSpan.FromSeconds(10));
        server.Handler.Connection.Close(CloseCode.Normal, "bye");

        server.Wait(TimeSpan.FromSeconds(2.9));
        await client.SendAsync(Frames.Text("still talking"));
        Assert.False(client.Finished.IsCompleted);
        server.Wait(TimeSpan.FromSeconds(0.2));

        await client.Finished.Within();
        Assert.Equal("The WebSocket closing handshake took too long.", client.Transport.AbortReason?.Message);
        Assert.Equal(TimeSpan.FromSeconds(3), Assert.Single(server.Log.Of("CloseTimedOut")).Values["Timeout"]);
        AssertClosed(server, new WeirClosure(CloseCode.Normal, "bye", CloseCause.CloseTimeout));
    }

    [Fact]
    public async Task Client_ClosesButDoesNotTakeTheAnswer_IsAbortedAfterTheTimeout()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        client.Gate.Hold();
        server.Handler.Connection.Send("pending");
        await client.SendAsync(Frames.Close(1000, "bye"));
        Assert.False(client.Finished.IsCompleted);

        server.Wait(TimeSpan.FromSeconds(5.2));

        await client.Finished.Within();
        Assert.Single(server.Log.Of("CloseTimedOut"));
        AssertClosed(server, new WeirClosure(CloseCode.Normal, "bye", CloseCause.ClientClosed));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Abort_AtAnyTime_EndsWithoutACloseFrame(bool inHandler)
    {
        await using WeirConnectionHarness server = new();
        server.Handler.OnMessage = (connection, _) =>
        {
            connection.Send("lost");
            connection.Abort();
            return default;
        };
        WeirConnectionClient client = await server.ConnectAsync();

        if (inHandler)
        {
            await client.SendAsync(Frames.Text("one"), Frames.Text("two"));
        }
        else
        {
            server.Handler.Connection.Abort();
        }

        await client.Finished.Within();
        Assert.Empty(await client.ReadFramesToEndAsync());
        Assert.Equal("The application aborted the connection.", client.Transport.AbortReason?.Message);
        Assert.Equal(inHandler ? ["upgrade", "opened", "one", "closed"] : ["upgrade", "opened", "closed"], server.Handler.Calls);
        AssertClosed(server, new WeirClosure(CloseCode.Abnormal, "", CloseCause.ApplicationAborted));
        Assert.Equal(SendResult.Closed, server.Handler.Connection.Send("late"));
        Assert.False(server.Handler.Connection.Close());
        server.Handler.Connection.Abort();
        Assert.Single(server.Handler.Closures);
    }

    [Fact]
    public async Task Abort_FlushPends_Ends()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        client.Gate.Hold();
        server.Handler.Connection.Send("pending");
        server.Handler.Connection.Send("queued");

        server.Handler.Connection.Abort();

        await client.Finished.Within();
        await Bounded.Eventually(() => server.Handler.Connection.PendingBytes == 0); // the flush ends on a thread of its own
        Assert.Empty(client.GatedFrames());
        AssertClosed(server, new WeirClosure(CloseCode.Abnormal, "", CloseCause.ApplicationAborted));
    }

    [Fact]
    public async Task Client_EndsItsStream_StillGetsItsAnswers()
    {
        await using WeirConnectionHarness server = new();
        server.Handler.OnMessage = (connection, message) =>
        {
            connection.Send(message.Payload, message.Kind);
            return default;
        };
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        client.Gate.Hold();
        await client.SendAsync(Frames.Text("one"));
        await client.SendAsync(Frames.Text("two"), Frames.Hex("81 85 00"));
        client.EndOutput();
        client.Gate.Release();

        await client.Finished.Within();
        Assert.Equal(["one", "two"], client.GatedFrames().Select(frame => frame.Text));
        AssertClosed(server, new WeirClosure(CloseCode.Abnormal, "", CloseCause.TransportEnded));
    }

    [Fact]
    public async Task Client_Resets_IsLoggedAtDebugOnly()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();

        client.Transport.Reset();

        await client.Finished.Within();
        Assert.Single(server.Log.Of("TransportEnded"));
        Assert.All(server.Log.Records, record => Assert.Equal(LogLevel.Debug, record.Level));
        AssertClosed(server, new WeirClosure(CloseCode.Abnormal, "", CloseCause.TransportReset));
    }

    [Fact]
    public async Task Client_DisconnectsWhileAFlushPends_Ends()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        client.Gate.Hold();
        server.Handler.Connection.Send("pending");
        server.Handler.Connection.Send("queued");

        client.Gate.FailWith(new IOException("reset"));

        await client.Finished.Within();
        Assert.IsType<IOException>(Assert.Single(server.Log.Of("TransportEnded")).Exception);
        AssertClosed(server, new WeirClosure(CloseCode.Abnormal, "", CloseCause.TransportReset));
    }

    [Fact]
    public async Task Transport_FailsInAnUnexpectedWay_IsLoggedAtErrorAndEndsThisConnectionOnly()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient broken = await server.ConnectAsync(gated: true);
        WeirConnection connection = server.Handler.Connection;
        WeirConnectionClient other = await server.ConnectAsync();
        NotSupportedException bug = new();
        broken.Gate.FailWith(bug);

        connection.Send("hello");

        await broken.Finished.Within();
        LogRecord logged = Assert.Single(server.Log.Records, record => record.Level >= LogLevel.Warning);
        Assert.Equal((LogLevel.Error, "TransportFailed"), (logged.Level, logged.EventId.Name));
        Assert.Same(bug, logged.Exception);
        AssertClosed(server, new WeirClosure(CloseCode.Abnormal, "", CloseCause.TransportFailed));
        Assert.False(other.Finished.IsCompleted);
    }

    [Fact]
    public async Task Fault_BrokenProtocol_IsClosedWithTheRule()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();

        await client.SendAsync(Frames.Text("fine"), Frames.Client(1, "not masked"u8, masked: false), Frames.Text("late"));

        ServerFrame close = await client.ReadFrameAsync();
        Assert.Equal((1002, "client frame not masked (RFC 6455 5.1)"), (close.CloseCode, close.CloseReason));
        Assert.False(client.Finished.IsCompleted);
        await client.SendAsync(Frames.Close(1002));
        await client.Finished.Within();
        Assert.Equal(["upgrade", "opened", "fine", "closed"], server.Handler.Calls);
        Assert.Equal(1002, Assert.Single(server.Log.Of("ProtocolFault")).Values["Code"]);
        AssertClosed(server, new WeirClosure(CloseCode.ProtocolError, close.CloseReason, CloseCause.ProtocolError));
    }

    [Fact]
    public async Task Fault_InTheCloseFrame_EndsAtOnce()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();

        await client.SendAsync(Frames.Close(1005));

        Assert.Equal(1002, Assert.Single(await client.ReadFramesToEndAsync()).CloseCode);
        await client.Finished.Within();
        Assert.Equal(CloseInitiator.Engine, Assert.Single(server.Handler.Closures).Initiator);
    }

    [Fact]
    public async Task TooSlow_Client_IsClosedWith1009()
    {
        await using WeirConnectionHarness server = new(options => options.Pressure.CloseAtBytes = 1_000 + 7);
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        WeirConnection connection = server.Handler.Connection;
        client.Gate.Hold();
        Assert.Equal(SendResult.Sent, connection.Send("first"));
        int queued = 0;
        while (connection.Send(new string('x', 98)) == SendResult.Queued)
        {
            queued++;
        }

        Assert.Equal(10, queued);
        Assert.Equal(SendResult.Closed, connection.Send("late"));
        Assert.Equal(1009, Assert.Single(server.Log.Of("TooSlow")).Values["Code"]);
        Assert.Equal(1, server.Metrics.Sum("weir.connections.too_slow"));
        client.Gate.Release();
        await Bounded.Eventually(() => client.GatedFrames().Count == 2);
        Assert.Equal((1009, "too slow"), (client.GatedFrames()[1].CloseCode, client.GatedFrames()[1].CloseReason));
        await client.SendAsync(Frames.Close(1009));

        await client.Finished.Within();
        AssertClosed(server, new WeirClosure(CloseCode.MessageTooBig, "too slow", CloseCause.SlowConsumer));
    }

    [Fact]
    public async Task TooSlow_ClientNeverReads_IsAbortedAfterTheCloseTimeout()
    {
        await using WeirConnectionHarness server = new(options => options.Pressure.CloseAtBytes = 1);
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        client.Gate.Hold();
        server.Handler.Connection.Send("pending");
        server.Handler.Connection.Send("queued");
        Assert.Equal(SendResult.Dropped, server.Handler.Connection.Send("dropped"));

        server.Wait(TimeSpan.FromSeconds(29.8)); // it is known to be slow: longer than the 5 s of other closes
        Assert.False(client.Finished.IsCompleted);
        server.Wait(TimeSpan.FromSeconds(0.4));

        await client.Finished.Within();
        Assert.Single(server.Log.Of("CloseTimedOut"));
        AssertClosed(server, new WeirClosure(CloseCode.MessageTooBig, "too slow", CloseCause.SlowConsumer));
    }

    [Fact]
    public async Task Shutdown_Requested_ClosesWith1001()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();

        client.Transport.RequestClose();

        ServerFrame close = await client.ReadFrameAsync();
        Assert.Equal((1001, "server shutting down"), (close.CloseCode, close.CloseReason));
        await client.SendAsync(Frames.Close(1001));
        await client.Finished.Within();
        AssertClosed(server, new WeirClosure(CloseCode.GoingAway, "server shutting down", CloseCause.Draining));
    }

    [Fact]
    public async Task Shutdown_RequestedWhileAHandlerWorks_NotifiesItAtOnce()
    {
        await using WeirConnectionHarness server = new();
        TaskCompletionSource work = new();
        server.Handler.OnMessage = (_, _) => new ValueTask(work.Task);
        WeirConnectionClient client = await server.ConnectAsync();
        await client.SendAsync(Frames.Text("one"), Frames.Text("two"), Frames.Close(1001));

        client.Transport.RequestClose();

        Assert.Equal(1001, (await client.ReadFrameAsync()).CloseCode);
        Assert.False(client.Finished.IsCompleted);
        work.SetResult();
        await client.Finished.Within();
        Assert.Equal(["upgrade", "opened", "one", "closed"], server.Handler.Calls);
    }

    [Fact]
    public async Task Shutdown_RequestedDuringTheHandshake_ClosesTheNewConnection()
    {
        await using WeirConnectionHarness server = new();
        TaskCompletionSource<UpgradeDecision> judgement = new();
        server.Handler.OnUpgrade = _ => new ValueTask<UpgradeDecision>(judgement.Task);
        WeirConnectionClient client = server.Dial();
        await client.SendAsync(Encoding.Latin1.GetBytes(Handshake.TestHead.Valid));
        await Bounded.Eventually(() => server.Handler.Calls.Contains("upgrade"));

        client.Transport.RequestClose();
        judgement.SetResult(UpgradeDecision.Accept);

        await client.ReadHeadAsync();
        Assert.Equal(1001, (await client.ReadFrameAsync()).CloseCode);
        await client.SendAsync(Frames.Close(1001));
        await client.Finished.Within();
        AssertClosed(server, new WeirClosure(CloseCode.GoingAway, "server shutting down", CloseCause.Draining));
    }

    [Fact]
    public async Task Close_FromManyThreads_SendsOneCloseFrame()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();
        WeirConnection connection = server.Handler.Connection;

        bool[] first = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(
            () => connection.Close((CloseCode)(4000 + i))))).Within();

        int winner = Array.IndexOf(first, true);
        Assert.Equal(1, first.Count(won => won));
        Assert.Equal(4000 + winner, (await client.ReadFrameAsync()).CloseCode);
        await client.SendAsync(Frames.Close());
        await client.Finished.Within();
        Assert.Empty(await client.ReadFramesToEndAsync());
        AssertClosed(server, new WeirClosure((CloseCode)(4000 + winner), "", CloseCause.ApplicationClosed));
    }

    private static void AssertClosed(WeirConnectionHarness server, WeirClosure expected)
    {
        Assert.Equal(expected, Assert.Single(server.Handler.Closures));
        Assert.Equal("closed", server.Handler.Calls[^1]);
        LogRecord logged = Assert.Single(server.Log.Of("ConnectionClosed"));
        Assert.Equal(((int)expected.Code, CloseCauses.NameOf(expected.Cause)), (logged.Values["Code"], logged.Values["Cause"]));
        Assert.Equal(expected.Cause == CloseCause.ClientClosed ? "" : expected.Reason, logged.Values["Reason"]);
        Assert.Equal(0, server.Listener.Wheel.Count); // no timer outlives its connection
    }
}
