using System.Diagnostics.Metrics;
using Weir.Closing;
using Weir.Core.Tests.Connections;
using Weir.Core.Tests.Handshake;
using Weir.Diagnostics;
using Weir.Hosting;
using Weir.Protocol;
using Weir.Sending;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Diagnostics;

public sealed class WeirMetricsTests
{
    [Fact]
    public void Instruments_HaveTheirNamesAndUnits()
    {
        using MetricProbe factory = new();
        List<(string Name, string? Unit)> instruments = [];
        using MeterListener listener = new()
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (ReferenceEquals(instrument.Meter.Scope, factory))
                {
                    Assert.Equal("Weir", instrument.Meter.Name);
                    Assert.False(string.IsNullOrEmpty(instrument.Description));
                    instruments.Add((instrument.Name, instrument.Unit));
                }
            },
        };
        listener.Start();

        _ = new WeirMetrics(factory);

        Assert.Equal(
            [
                ("weir.connection.duration", "s"),
                ("weir.connections.active", "{connection}"),
                ("weir.connections.by_state", "{connection}"),
                ("weir.connections.closed", "{connection}"),
                ("weir.connections.drained", "{connection}"),
                ("weir.connections.too_slow", "{connection}"),
                ("weir.drain.active", null),
                ("weir.drain.remaining", "{connection}"),
                ("weir.handshakes.refused", "{handshake}"),
                ("weir.heartbeats.missed", "{connection}"),
                ("weir.messages.dropped", "{message}"),
                ("weir.messages.received", "{message}"),
                ("weir.messages.sent", "{message}"),
                ("weir.payload.received", "By"),
                ("weir.payload.sent", "By"),
                ("weir.pending", "By"),
                ("weir.ping.duration", "s"),
                ("weir.pressure.episodes", "{episode}"),
                ("weir.wheel.lag", "s"),
            ],
            instruments.Order());
    }

    [Fact]
    public async Task Connections_OpenAndClose_AreCountedUpAndDown()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient first = await server.ConnectAsync();
        WeirConnectionClient second = await server.ConnectAsync();
        Assert.Equal(2, server.Metrics.Sum("weir.connections.active"));
        Assert.Equal(0, server.Metrics.Count("weir.connections.closed"));

        await first.SendAsync(Frames.Close(1000));
        await first.Finished.Within();

        Assert.Equal(1, server.Metrics.Sum("weir.connections.active"));
        second.Transport.Reset();
        await second.Finished.Within();
        Assert.Equal(0, server.Metrics.Sum("weir.connections.active"));
        Assert.Equal(2, server.Metrics.Sum("weir.connections.closed"));
        Assert.Equal(1, Closed(server.Metrics, "1000", "client"));
        Assert.Equal(1, Closed(server.Metrics, "1006", "transport"));
        Assert.Equal(4, server.Metrics.Count("weir.connections.active"));
    }

    [Fact]
    public async Task ConnectionStates_FromHandshakeToTheEnd_AreCountedOneByOne()
    {
        await using WeirConnectionHarness server = new();
        Assert.Equal((0, 0, 0), States(server.Metrics));

        WeirConnectionClient client = server.Dial();
        WeirConnectionClient other = server.Dial();
        Assert.Equal((2, 0, 0), States(server.Metrics));

        await client.SendAsync(TestHead.Valid);
        await client.ReadHeadAsync();
        Assert.Equal((1, 1, 0), States(server.Metrics));

        Assert.True(server.Handler.Connection.Close(CloseCode.Normal));
        Assert.Equal((1, 0, 1), States(server.Metrics));

        await client.SendAsync(Frames.Close(1000));
        await client.Finished.Within();
        Assert.Equal((1, 0, 0), States(server.Metrics));

        other.EndOutput();
        await other.Finished.Within();
        Assert.Equal((0, 0, 0), States(server.Metrics));
    }

    [Fact]
    public async Task ConnectionStates_RefusedAbortedAndPassedOn_LeaveNothingBehind()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient refused = await server.ConnectAsync(head: TestHead.With(without: "Sec-WebSocket-Key"));
        await refused.Finished.Within();
        WeirConnectionClient late = server.Dial();
        server.Wait(TimeSpan.FromSeconds(11)); // the handshake's time-out
        await late.Finished.Within();
        WeirConnectionClient passedOn = server.Dial();
        await passedOn.SendAsync("GET / HTTP/1.1\r\n\r\n");
        await Bounded.Eventually(() => server.NextCalls == 1);
        WeirConnectionClient reset = await server.ConnectAsync();
        reset.Transport.Reset();
        await reset.Finished.Within();

        Assert.Equal((0, 0, 0), States(server.Metrics));
    }

    [Fact]
    public async Task Drain_WhileItLasts_CountsTheConnectionsLeft()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient[] clients = [await server.ConnectAsync(), await server.ConnectAsync()];
        Assert.Equal(0, server.Metrics.Sum("weir.drain.active"));
        Assert.Equal(0, server.Metrics.Count("weir.drain.remaining"));

        Task drain = Drain.RunAsync(server.Listener.Engine, TimeSpan.Zero, Drain.LastCloseTimeout, default);

        Assert.Equal(1, server.Metrics.Sum("weir.drain.active"));
        Assert.Equal(2, server.Metrics.Sum("weir.drain.remaining"));
        Assert.Equal((0, 0, 2), States(server.Metrics));
        for (int left = 1; left >= 0; left--)
        {
            await clients[left].SendAsync(Frames.Close(1001));
            await clients[left].Finished.Within();
            Assert.Equal(left, server.Metrics.Sum("weir.drain.remaining"));
        }

        server.Wait(TimeSpan.FromSeconds(1));
        await drain.Within();
    }

    [Fact]
    public async Task WheelLag_ATimerIsScheduled_IsRecordedEachTimeTheWheelWakes()
    {
        await using WeirConnectionHarness server = new();
        server.Dial();

        server.Wait(TimeSpan.FromSeconds(3));

        Assert.Equal(3, server.Metrics.Count("weir.wheel.lag"));
        Assert.Equal(0, server.Metrics.Sum("weir.wheel.lag"), tolerance: 0.0001);
    }

    [Theory]
    [InlineData(999, CloseCause.ClientClosed, "application", "client")]
    [InlineData(1000, CloseCause.ApplicationClosed, "1000", "server")]
    [InlineData(1005, CloseCause.ClientClosed, "1005", "client")]
    [InlineData(1011, CloseCause.HandlerFailed, "1011", "engine")]
    [InlineData(1015, CloseCause.TransportEnded, "1015", "transport")]
    [InlineData(1016, CloseCause.ClientClosed, "application", "client")]
    [InlineData(3000, CloseCause.ClientClosed, "application", "client")]
    [InlineData(4999, CloseCause.ApplicationClosed, "application", "server")]
    public void Closed_AnyCode_HasFewTags(int code, CloseCause cause, string codeTag, string initiatorTag)
    {
        using MetricProbe probe = new();
        WeirMetrics metrics = new(probe);

        metrics.Opened();
        metrics.Closed(new WeirClosure((CloseCode)code, "secret", cause), TimeSpan.FromMinutes(2));

        Assert.Equal(1, Closed(probe, codeTag, initiatorTag));
        Assert.Equal(3, Assert.Single(probe.TagsOf("weir.connections.closed")).Count);
        Assert.Equal(120, probe.Sum("weir.connection.duration", ("weir.close.cause", CloseCauses.NameOf(cause))));
        Assert.Single(Assert.Single(probe.TagsOf("weir.connection.duration")));
        Assert.Empty(Assert.Single(probe.TagsOf("weir.connections.active")));
    }

    [Fact]
    public async Task Refusals_AreCountedByStatus()
    {
        await using WeirConnectionHarness server = new();
        await RefuseAsync(TestHead.With(without: "Sec-WebSocket-Key"));
        await RefuseAsync(TestHead.With(without: "Sec-WebSocket-Key"));
        await RefuseAsync(TestHead.With("Origin: https://evil.example"));

        Assert.Equal(2, server.Metrics.Sum("weir.handshakes.refused", ("http.response.status_code", 400)));
        Assert.Equal(1, server.Metrics.Sum("weir.handshakes.refused", ("http.response.status_code", 403)));
        Assert.Equal(3, server.Metrics.Sum("weir.handshakes.refused"));
        Assert.Equal(0, server.Metrics.Count("weir.connections.active"));

        async Task RefuseAsync(string head)
        {
            WeirConnectionClient client = server.Dial();
            await client.SendAsync(head);
            await client.Finished.Within();
        }
    }

    [Fact]
    public async Task Traffic_BothWays_CountsMessagesAndPayloadBytes()
    {
        await using WeirConnectionHarness server = new();
        server.Handler.OnMessage = (connection, _) =>
        {
            connection.Send("1234567890");
            return default;
        };
        WeirConnectionClient client = await server.ConnectAsync();

        await client.SendAsync(Frames.Text("12345"), Frames.Ping("not counted"u8), Frames.Text("123", fin: false));
        await client.SendAsync(Frames.Continuation("45"u8), Frames.Close());
        await client.Finished.Within();

        Assert.Equal(2, server.Metrics.Sum("weir.messages.received"));
        Assert.Equal(10, server.Metrics.Sum("weir.payload.received"));
        Assert.Equal(2, server.Metrics.Sum("weir.messages.sent"));
        Assert.Equal(20, server.Metrics.Sum("weir.payload.sent"));
    }

    [Fact]
    public async Task Sent_Refused_IsNotCounted()
    {
        await using WeirConnectionHarness server = new(options => options.Pressure.CloseAtBytes = 1);
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        client.Gate.Hold();

        Assert.Equal(SendResult.Sent, server.Handler.Connection.Send("a"));
        Assert.Equal(SendResult.Queued, server.Handler.Connection.Send("b"));
        Assert.Equal(SendResult.Dropped, server.Handler.Connection.Send("c"));
        Assert.Equal(SendResult.Closed, server.Handler.Connection.Send("d"));

        Assert.Equal(2, server.Metrics.Sum("weir.messages.sent"));
        Assert.Equal(1, server.Metrics.Sum("weir.connections.too_slow"));
    }

    private static (double Handshake, double Open, double Closing) States(MetricProbe metrics)
    {
        return (Of("handshake"), Of("open"), Of("closing"));
        double Of(string state) => metrics.Sum("weir.connections.by_state", ("weir.connection.state", state));
    }

    private static double Closed(MetricProbe metrics, string code, string initiator)
        => metrics.Sum("weir.connections.closed", ("weir.close.code", code), ("weir.close.initiator", initiator));
}
