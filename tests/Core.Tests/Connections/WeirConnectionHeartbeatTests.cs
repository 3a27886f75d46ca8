using Weir.Closing;
using Weir.Protocol;
using Weir.Sending;
using Weir.Testing;
using Weir.Transports;
using Xunit;

namespace Weir.Core.Tests.Connections;

public sealed class WeirConnectionHeartbeatTests
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Ping_IdleConnection_ComesOncePerInterval()
    {
        await using WeirConnectionHarness server = NewServer();
        WeirConnectionClient client = await server.ConnectAsync(gated: true);

        // The answers keep the connection open; the first Ping comes within one interval, at a random time.
        for (int minute = 1; minute <= 5; minute++)
        {
            server.Wait(_interval);
            await client.SendAsync(Frames.Pong());
        }

        int pings = client.GatedFrames().Count(frame => frame.Opcode == 9);
        Assert.InRange(pings, 4, 6);
        Assert.All(client.GatedFrames(), frame => Assert.Equal(9, frame.Opcode));
    }

    [Fact]
    public async Task Silence_ForIntervalAndTimeout_EndsTheConnectionWithinATick()
    {
        await using WeirConnectionHarness server = NewServer();
        WeirConnectionClient client = await server.ConnectAsync();

        server.Wait(_interval + _timeout - TimeSpan.FromMilliseconds(200));
        Assert.False(client.Finished.IsCompleted);
        server.Wait(TimeSpan.FromMilliseconds(400));

        await client.Finished.Within();
        WeirClosure closure = Assert.Single(server.Handler.Closures);
        Assert.Equal(new WeirClosure(CloseCode.Abnormal, "", CloseCause.HeartbeatTimeout), closure);
        Assert.Equal(1, server.Metrics.Sum("weir.heartbeats.missed"));
        Assert.Equal(0, server.Listener.Wheel.Count);
    }

    // The server is so far behind that the client's data is still unread.
    [Fact]
    public async Task Silence_WithUnreadInput_IsNotTheClients()
    {
        await using WeirConnectionHarness server = NewServer();
        WeirConnectionClient client = await server.ConnectAsync(make: static options => new LaggingConnection(options));
        LaggingConnection transport = (LaggingConnection)client.Transport;
        transport.HasUnreadInput = true;

        server.Wait(TimeSpan.FromMinutes(5));
        Assert.False(client.Finished.IsCompleted);
        transport.HasUnreadInput = false;
        server.Wait(_interval + _timeout + TimeSpan.FromMilliseconds(400));

        await client.Finished.Within();
        Assert.Equal(1, server.Metrics.Sum("weir.heartbeats.missed"));
    }

    [Theory]
    [InlineData(true, false, true)]
    [InlineData(true, true, false)] // the wheel turns on the connection's own thread
    [InlineData(false, false, false)] // it has none
    public async Task Ping_IsSentOnTheConnectionsThread(bool runsOnLoop, bool isCurrent, bool isPosted)
    {
        await using WeirConnectionHarness server = NewServer();
        WeirConnectionClient client = await server.ConnectAsync(
            make: options => new LaggingConnection(options) { RunsInline = runsOnLoop, IsCurrent = isCurrent });

        server.Wait(_interval + TimeSpan.FromSeconds(1));

        Assert.Equal(9, (await client.ReadFrameAsync()).Opcode);
        Assert.Equal(isPosted, ((LaggingConnection)client.Transport).Posted > 0);
    }

    [Theory]
    [InlineData("message")]
    [InlineData("pong")]
    [InlineData("half a frame")]
    public async Task AnyByte_IsLife(string kind)
    {
        await using WeirConnectionHarness server = NewServer();
        WeirConnectionClient client = await server.ConnectAsync();
        byte[] frame = kind == "pong" ? Frames.Pong() : Frames.Text("hello");

        for (int i = 0; i < 6; i++)
        {
            server.Wait(_interval + TimeSpan.FromSeconds(5));
            await client.SendAsync(kind == "half a frame" ? frame[i..(i + 1)] : frame);
        }

        Assert.False(client.Finished.IsCompleted);
    }

    [Fact]
    public async Task Silence_WhileTheHandlerTakesItsTime_IsNotTheClients()
    {
        await using WeirConnectionHarness server = NewServer();
        TaskCompletionSource slow = new();
        server.Handler.OnMessage = (_, _) => new ValueTask(slow.Task);
        WeirConnectionClient client = await server.ConnectAsync();
        await client.SendAsync(Frames.Text("long work"));

        server.Wait(TimeSpan.FromMinutes(5));
        Assert.False(client.Finished.IsCompleted);
        slow.SetResult();
        server.Wait(_interval);
        Assert.False(client.Finished.IsCompleted);
        server.Wait(_timeout + TimeSpan.FromMilliseconds(300));

        await client.Finished.Within();
        Assert.Equal(1, server.Metrics.Sum("weir.heartbeats.missed"));
    }

    [Fact]
    public async Task Silence_OfAClientThatDoesNotTakeItsAnswers_IsItsOwn()
    {
        await using WeirConnectionHarness server = NewServer();
        server.Handler.OnMessage = (connection, message) =>
        {
            connection.Send(message.Payload, message.Kind);
            return default;
        };
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        client.Gate.Hold();
        await client.SendAsync(Frames.Binary(new byte[40_000]), Frames.Binary(new byte[40_000]));

        server.Wait(_interval + _timeout + TimeSpan.FromMilliseconds(300));

        Assert.NotEmpty(client.Transport.Aborts);
        client.Gate.Release();
        await client.Finished.Within();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // a message in the Ping's place, and a code
    public async Task Silence_OfAClientThatReadsItsQueue_IsNoSilence(bool isProtocol)
    {
        await using WeirConnectionHarness server = NewServer(heartbeat =>
        {
            heartbeat.Message = isProtocol ? "{}" : null;
            heartbeat.SilenceCode = isProtocol ? (CloseCode)3012 : null;
        }, static options => options.Pressure.MaxDelay = TimeSpan.Zero);
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        client.Gate.Hold();
        for (int i = 0; i < 40; i++)
        {
            server.Handler.Connection.Send(new byte[20_000], MessageKind.Binary);
        }

        // One chunk every 25 seconds; it has not seen a Ping yet that it could answer.
        for (int i = 0; i < 8; i++)
        {
            server.Wait(TimeSpan.FromSeconds(25));
            client.Gate.ReleaseOne();
            await Bounded.Eventually(() => client.Gate.PendingBytes > 0);
        }

        Assert.Empty(client.Transport.Aborts);
        Assert.Equal(0, server.Metrics.Sum("weir.heartbeats.missed"));
        client.Gate.Release();
        await Bounded.Eventually(() => server.Handler.Connection.PendingBytes == 0);
        Assert.InRange(
            client.GatedFrames().ToList().FindIndex(frame => isProtocol ? frame is { Opcode: 1, Text: "{}" } : frame.Opcode == 9), 1, 10);
    }

    [Theory]
    [InlineData(200L)]
    [InlineData(4_294_967_295_000L)]
    [InlineData(922_337_203_685_477L)]
    public async Task Interval_BeyondWhatTimersTake_NeitherThrowsNorFiresAtOnce(long milliseconds)
    {
        TimeSpan interval = milliseconds > 922_337_203_685_000L ? TimeSpan.MaxValue : TimeSpan.FromMilliseconds(milliseconds);
        await using WeirConnectionHarness server = new(options =>
        {
            options.Heartbeat.Interval = interval;
            options.Heartbeat.Timeout = TimeSpan.MaxValue;
            options.CloseTimeout = TimeSpan.MaxValue;
            options.Pressure.MaxDelay = TimeSpan.MaxValue;
        });
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        client.Gate.Hold();
        server.Handler.Connection.Send("in the flush");
        server.Handler.Connection.Send("waits");
        server.Wait(TimeSpan.FromSeconds(5));
        Assert.Equal(0, server.Metrics.Sum("weir.heartbeats.missed"));
        Assert.Equal(0, server.Metrics.Sum("weir.connections.too_slow"));

        client.Gate.Release();
        server.Handler.Connection.Close();
        server.Wait(TimeSpan.FromSeconds(5));
        Assert.Empty(client.Transport.Aborts);
    }

    [Fact]
    public async Task Interval_IsZero_ThereIsNoTimer()
    {
        await using WeirConnectionHarness server = new(options => options.Heartbeat.Interval = TimeSpan.Zero);
        WeirConnectionClient client = await server.ConnectAsync();

        Assert.Equal(0, server.Listener.Wheel.Count);
        server.Wait(TimeSpan.FromMinutes(10));
        Assert.False(client.Finished.IsCompleted);
    }

    [Fact]
    public async Task Pings_OfManyConnections_LeaveInSmallBatches()
    {
        await using WeirConnectionHarness server = NewServer();
        List<WeirConnectionClient> clients = [];
        for (int i = 0; i < 300; i++)
        {
            clients.Add(await server.ConnectAsync(gated: true));
        }

        List<int> batches = [];
        for (int second = 0; second < _interval.TotalSeconds; second++)
        {
            server.Wait(TimeSpan.FromSeconds(1));
            batches.Add(clients.Sum(client => client.GatedFrames().Count) - batches.Sum());
        }

        Assert.Equal([44, 64, 64, 64, 64], batches.Where(static batch => batch > 0).Order());
        Assert.All(clients, client => Assert.Single(client.GatedFrames()));
    }

    [Fact]
    public async Task Pong_AfterAPing_IsMeasured()
    {
        await using WeirConnectionHarness server = NewServer();
        WeirConnectionClient client = await server.ConnectAsync();
        server.Wait(_interval + TimeSpan.FromMilliseconds(200));
        Assert.Equal(9, (await client.ReadFrameAsync()).Opcode);

        await client.SendAsync(Frames.Pong());
        await client.SendAsync(Frames.Pong()); // unsolicited: RFC 6455 5.5.3 allows it, and it measures nothing

        Assert.Equal(1, server.Metrics.Count("weir.ping.duration"));
    }

    [Fact]
    public async Task Message_IsSentInPlaceOfThePing_AndItsAnswerTaken()
    {
        await using WeirConnectionHarness server = NewServer(heartbeat => heartbeat.Message = "{}");
        List<bool> taken = [];
        server.Handler.OnMessage = (connection, _) =>
        {
            taken.Add(connection.TakeHeartbeatAnswer());
            return default;
        };
        WeirConnectionClient client = await server.ConnectAsync();
        server.Wait(_interval + TimeSpan.FromMilliseconds(200));

        ServerFrame heartbeat = await client.ReadFrameAsync();
        await client.SendAsync(Frames.Text("{}"));
        await client.SendAsync(Frames.Text("{}")); // to nothing

        Assert.Equal((1, "{}"), (heartbeat.Opcode, heartbeat.Text));
        Assert.Equal([true, false], taken);
        Assert.Equal(1, server.Metrics.Count("weir.ping.duration"));
    }

    [Fact]
    public async Task Message_TwoThatAreAnsweredLate_TakesBothAnswers()
    {
        await using WeirConnectionHarness server = NewServer(heartbeat => heartbeat.Message = "{}");
        List<bool> taken = [];
        server.Handler.OnMessage = (connection, message) =>
        {
            if (message.Payload.Length == 2)
            {
                taken.Add(connection.TakeHeartbeatAnswer());
            }

            return default;
        };
        WeirConnectionClient client = await server.ConnectAsync();
        server.Wait(_interval + TimeSpan.FromMilliseconds(200));
        await client.SendAsync(Frames.Text("alive, but has not answered"));
        server.Wait(_interval + TimeSpan.FromMilliseconds(200));

        await client.SendAsync(Frames.Text("{}"), Frames.Text("{}"), Frames.Text("{}"));

        Assert.Equal([true, true, false], taken);
    }

    [Fact]
    public async Task Silence_WithACode_IsClosedWithIt()
    {
        await using WeirConnectionHarness server = NewServer(heartbeat =>
        {
            heartbeat.SilenceCode = (CloseCode)3012;
            heartbeat.SilenceReason = "no pong";
        });
        WeirConnectionClient client = await server.ConnectAsync();

        server.Wait(_interval + _timeout + TimeSpan.FromMilliseconds(200));
        ServerFrame frame;
        do
        {
            frame = await client.ReadFrameAsync();
        }
        while (frame.Opcode == 9);

        Assert.Equal((3012, "no pong"), (frame.CloseCode, frame.CloseReason));
        Assert.Equal(1, server.Metrics.Sum("weir.heartbeats.missed"));
        server.Wait(TimeSpan.FromSeconds(5.5)); // the answer to the close is bounded like any
        await client.Finished.Within();
        Assert.Equal(new WeirClosure((CloseCode)3012, "no pong", CloseCause.HeartbeatTimeout), Assert.Single(server.Handler.Closures));
        Assert.Equal(0, server.Listener.Wheel.Count);
    }

    [Fact]
    public void SilenceCode_ThatMayNotBeSent_IsRefused()
        => Assert.Throws<ArgumentOutOfRangeException>(() => new HeartbeatOptions { SilenceCode = CloseCode.Abnormal });

    [Fact]
    public async Task MaxDelay_MessageWaitsTooLong_IsClosedAsTooSlow()
    {
        await using WeirConnectionHarness server = new(options => options.Pressure.MaxDelay = TimeSpan.FromSeconds(3));
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        client.Gate.Hold();
        server.Handler.Connection.Send("in the flush");
        server.Handler.Connection.Send("waits");

        server.Wait(TimeSpan.FromSeconds(2.8));
        Assert.Equal(0, server.Metrics.Sum("weir.connections.too_slow"));
        server.Wait(TimeSpan.FromSeconds(0.4));

        Assert.Equal(1, server.Metrics.Sum("weir.connections.too_slow"));
        client.Gate.Release();
        await Bounded.Eventually(() => client.GatedFrames().Count == 2);
        Assert.Equal(1009, client.GatedFrames()[1].CloseCode);
    }

    [Fact]
    public async Task MaxDelay_ClientCatchesUp_StaysOpen()
    {
        await using WeirConnectionHarness server = new(options => options.Pressure.MaxDelay = TimeSpan.FromSeconds(3));
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        for (int i = 0; i < 4; i++)
        {
            client.Gate.Hold();
            server.Handler.Connection.Send("in the flush");
            server.Handler.Connection.Send("waits");
            server.Wait(TimeSpan.FromSeconds(2));
            client.Gate.Release();
            await Bounded.Eventually(() => server.Handler.Connection.PendingBytes == 0);
        }

        server.Wait(TimeSpan.FromSeconds(10));
        Assert.Equal(0, server.Metrics.Sum("weir.connections.too_slow"));
        Assert.Equal(SendResult.Sent, server.Handler.Connection.Send("still here"));
    }

    [Fact]
    public async Task Inbound_TooManyMessages_ClosesWith1008()
    {
        await using WeirConnectionHarness server = new(options =>
        {
            options.Inbound.MessagesPerSecond = 10;
            options.Inbound.Burst = TimeSpan.FromSeconds(1);
        });
        WeirConnectionClient client = await server.ConnectAsync();

        await client.SendAsync([.. Enumerable.Repeat(Frames.Text("x"), 10)]);
        server.Wait(TimeSpan.FromSeconds(0.5));
        await client.SendAsync([.. Enumerable.Repeat(Frames.Text("x"), 5)]);
        Assert.Equal(15, server.Handler.Calls.Count(call => call == "x"));
        await client.SendAsync(Frames.Text("x"));

        ServerFrame close = await client.ReadFrameAsync();
        Assert.Equal((1008, "too many messages per second"), (close.CloseCode, close.CloseReason));
        Assert.Equal(15, server.Handler.Calls.Count(call => call == "x"));
    }

    [Fact]
    public async Task Inbound_TooManyBytes_ClosesWith1008()
    {
        await using WeirConnectionHarness server = new(options =>
        {
            options.Inbound.BytesPerSecond = 1000;
            options.Inbound.Burst = TimeSpan.FromSeconds(1);
        });
        WeirConnectionClient client = await server.ConnectAsync();

        await client.SendAsync(Frames.Binary(new byte[900]));
        await client.SendAsync(Frames.Binary(new byte[200]));

        ServerFrame close = await client.ReadFrameAsync();
        Assert.Equal((1008, "too many bytes per second"), (close.CloseCode, close.CloseReason));
        Assert.Equal(3, server.Handler.Calls.Count); // upgrade, opened, the first message
    }

    private static WeirConnectionHarness NewServer(
        Action<HeartbeatOptions>? configure = null, Action<WeirOptions>? configureAll = null) => new(options =>
    {
        options.Heartbeat.Interval = _interval;
        options.Heartbeat.Timeout = _timeout;
        configure?.Invoke(options.Heartbeat);
        configureAll?.Invoke(options);
    });

    private sealed class LaggingConnection : InMemoryConnection, ILoopThreadFeature
    {
        public LaggingConnection(InMemoryConnectionOptions options)
            : base(options)
            => Features.Set<ILoopThreadFeature>(this);

        public bool HasUnreadInput { get; set; }

        public bool RunsInline { get; init; }

        // The middleware sets it for every connection that it keeps.
        bool ILoopThreadFeature.RunInline
        {
            get => RunsInline;
            set { }
        }

        public bool IsCurrent { get; set; }

        public int Posted { get; private set; }

        public void Post(IThreadPoolWorkItem work)
        {
            Posted++;
            work.Execute();
        }

        public bool TryDetach() => false;

        public ValueTask DisposeDetachedAsync() => DisposeAsync();
    }
}
