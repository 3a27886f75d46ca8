using Microsoft.Extensions.Logging;
using Weir.Closing;
using Weir.Connections;
using Weir.Core.Tests.Connections;
using Weir.Hosting;
using Weir.Protocol;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Closing;

/// <summary>
/// Each cause that the engine records, from the event to what the handler, the metrics and the log report. Those that need a transport
/// of the system, a protocol or a broker are in the integration tests and in the tests of these packages.
/// </summary>
public sealed class CloseCauseTests
{
    private static readonly TimeSpan _open = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task ClientClosed_TheClientSendsACloseFrame()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await OpenAsync(server);

        await client.SendAsync(Frames.Close(4000, "from the client"));

        await AssertCauseAsync(server, client, CloseCause.ClientClosed, 4000, reason: "");
    }

    [Fact]
    public async Task ApplicationClosed_TheHandlerCloses()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await OpenAsync(server);

        server.Handler.Connection.Close((CloseCode)4001, "done");
        await client.SendAsync(Frames.Close(4001));

        await AssertCauseAsync(server, client, CloseCause.ApplicationClosed, 4001, "done");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ApplicationClosed_APlannedCloseIsDue(bool byDelay)
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();
        if (byDelay)
        {
            server.Handler.Connection.CloseAfter(_open, (CloseCode)4002, "planned");
        }
        else
        {
            server.Handler.Connection.CloseAt(server.Time.GetUtcNow() + _open, (CloseCode)4002, "planned");
        }

        server.Wait(_open + TimeSpan.FromSeconds(1));
        await client.SendAsync(Frames.Close(4002));

        await client.Finished.Within();
        AssertCause(server, CloseCause.ApplicationClosed, 4002, "planned");
    }

    [Fact]
    public async Task ApplicationAborted_TheHandlerAborts()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await OpenAsync(server);

        server.Handler.Connection.Abort();

        await AssertCauseAsync(server, client, CloseCause.ApplicationAborted, 1006, "");
    }

    [Theory]
    [InlineData("81 00", 1002, "client frame not masked (RFC 6455 5.1)")]
    [InlineData("81 81 00 00 00 00 FF", 1007, "text is not UTF-8 (RFC 6455 8.1)")]
    public async Task ProtocolError_TheClientBreaksARule(string hex, int code, string rule)
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await OpenAsync(server);

        await client.SendAsync(Frames.Hex(hex), Frames.Close(code));

        await AssertCauseAsync(server, client, CloseCause.ProtocolError, code, rule);
    }

    [Fact]
    public async Task MessageTooBig_OneByteMoreThanTheLimit()
    {
        await using WeirConnectionHarness server = new(static options => options.MaxMessageBytes = 8);
        WeirConnectionClient client = await OpenAsync(server);

        await client.SendAsync(Frames.Text("12345678"), Frames.Text("123456789"), Frames.Close(1009));

        await AssertCauseAsync(server, client, CloseCause.MessageTooBig, 1009, "message too big");
    }

    [Fact]
    public async Task RateLimited_MoreMessagesThanTheLimit()
    {
        await using WeirConnectionHarness server = new(static options => options.Inbound.MessagesPerSecond = 1);
        WeirConnectionClient client = await OpenAsync(server);

        await client.SendAsync([.. Enumerable.Repeat(Frames.Text("x"), 20), Frames.Close(1008)]);

        await AssertCauseAsync(server, client, CloseCause.RateLimited, 1008, "too many messages per second");
    }

    [Fact]
    public async Task RateLimited_MoreBytesThanTheLimit_AlsoWithACodeThatStandsForAnotherCause()
    {
        await using WeirConnectionHarness server = new(static options =>
        {
            options.Inbound.BytesPerSecond = 100;
            options.Inbound.CloseCode = CloseCode.MessageTooBig;
        });
        WeirConnectionClient client = await OpenAsync(server);

        await client.SendAsync(Frames.Text(new string('x', 10_000)), Frames.Close(1009));

        await AssertCauseAsync(server, client, CloseCause.RateLimited, 1009, "too many bytes per second");
    }

    [Fact]
    public async Task SlowConsumer_TooManyBytesWait()
    {
        await using WeirConnectionHarness server = new(static options => options.Pressure.CloseAtBytes = 1);
        WeirConnectionClient client = await OpenAsync(server, gated: true);
        client.Gate.Hold();
        server.Handler.Connection.Send("pending");
        server.Handler.Connection.Send("queued");

        server.Handler.Connection.Send("dropped");
        client.Gate.Release();
        await client.SendAsync(Frames.Close(1009));

        await AssertCauseAsync(server, client, CloseCause.SlowConsumer, 1009, "too slow");
    }

    [Fact]
    public async Task SlowConsumer_TheClientNeverAnswers_IsNoCloseTimeout()
    {
        await using WeirConnectionHarness server = new(static options => options.Pressure.CloseAtBytes = 1);
        WeirConnectionClient client = await OpenAsync(server, gated: true);
        client.Gate.Hold();
        server.Handler.Connection.Send("pending");
        server.Handler.Connection.Send("queued");
        server.Handler.Connection.Send("dropped");

        server.Wait(TimeSpan.FromSeconds(31));

        await client.Finished.Within();
        Assert.Single(server.Log.Of("CloseTimedOut"));
        AssertCause(server, CloseCause.SlowConsumer, 1009, "too slow");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task HeartbeatTimeout_NoDataArrives(bool withCode)
    {
        await using WeirConnectionHarness server = new(options =>
        {
            options.Heartbeat.Interval = TimeSpan.FromSeconds(20);
            options.Heartbeat.Timeout = TimeSpan.FromSeconds(10);
            options.Heartbeat.SilenceCode = withCode ? (CloseCode)3012 : null;
            options.Heartbeat.SilenceReason = "no pong";
        });
        WeirConnectionClient client = await server.ConnectAsync();

        server.Wait(TimeSpan.FromSeconds(31));
        if (withCode)
        {
            await client.SendAsync(Frames.Close(3012));
        }

        await client.Finished.Within();
        AssertCause(server, CloseCause.HeartbeatTimeout, withCode ? 3012 : 1006, withCode ? "no pong" : "");
    }

    [Fact]
    public async Task HandlerFailed_TheHandlerThrows()
    {
        await using WeirConnectionHarness server = new();
        server.Handler.OnMessage = static (_, _) => throw new InvalidOperationException("secret");
        WeirConnectionClient client = await OpenAsync(server);

        await client.SendAsync(Frames.Text("x"), Frames.Close(1011));

        await AssertCauseAsync(server, client, CloseCause.HandlerFailed, 1011, "internal error");
    }

    [Theory]
    [InlineData(CloseCause.AccessDenied)]
    [InlineData(CloseCause.TokenExpired)]
    [InlineData(CloseCause.AccessRevoked)]
    [InlineData(CloseCause.BrokerUnavailable)]
    [InlineData(CloseCause.ConnectTimeout)]
    [InlineData(CloseCause.ProtocolError)]
    [InlineData(CloseCause.RateLimited)]
    public async Task AnyCauseThatAnApplicationNames_IsReported(CloseCause cause)
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await OpenAsync(server);

        Assert.True(server.Handler.Connection.Close((CloseCode)4003, "named", cause));
        await client.SendAsync(Frames.Close(4003));

        await AssertCauseAsync(server, client, cause, 4003, "named");
    }

    [Fact]
    public async Task PlannedClose_WithACause_IsReportedWithIt()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();

        server.Handler.Connection.CloseAt(server.Time.GetUtcNow() + _open, (CloseCode)4401, "token expired", CloseCause.TokenExpired);
        server.Wait(_open + TimeSpan.FromSeconds(1));
        await client.SendAsync(Frames.Close(4401));

        await client.Finished.Within();
        AssertCause(server, CloseCause.TokenExpired, 4401, "token expired");
    }

    [Fact]
    public async Task CloseUnlessReplanned_TheDeadlinePasses_IsReportedWithItsCause()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();

        server.Handler.Connection.CloseUnlessReplanned(TimeSpan.FromSeconds(5), (CloseCode)3502, "stale", CloseCause.ConnectTimeout);
        server.Wait(TimeSpan.FromSeconds(6));
        await client.SendAsync(Frames.Close(3502));

        await client.Finished.Within();
        AssertCause(server, CloseCause.ConnectTimeout, 3502, "stale");
    }

    [Fact]
    public async Task Draining_TheNodeDrains()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await OpenAsync(server);

        Task drain = Drain.RunAsync(server.Listener.Engine, TimeSpan.Zero, Drain.LastCloseTimeout, default);
        await client.SendAsync(Frames.Close(1001));

        await AssertCauseAsync(server, client, CloseCause.Draining, 1001, "server shutting down");
        server.Wait(TimeSpan.FromSeconds(1));
        await drain.Within();
    }

    [Fact]
    public async Task Draining_TheDrainIsAborted_IsStillTheCause()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await OpenAsync(server);
        using CancellationTokenSource abort = new();

        Task drain = Drain.RunAsync(server.Listener.Engine, TimeSpan.FromHours(1), Drain.LastCloseTimeout, abort.Token);
        await abort.CancelAsync();

        await drain.Within();
        await AssertCauseAsync(server, client, CloseCause.Draining, 1001, "server shutting down");
    }

    [Fact]
    public async Task Draining_TheTransportRequestsTheEnd()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await OpenAsync(server);

        client.Transport.RequestClose();
        await client.SendAsync(Frames.Close(1001));

        await AssertCauseAsync(server, client, CloseCause.Draining, 1001, "server shutting down");
    }

    [Fact]
    public async Task TransportReset_TheReadFails()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await OpenAsync(server);

        client.Transport.Reset();

        await AssertCauseAsync(server, client, CloseCause.TransportReset, 1006, "");
    }

    [Fact]
    public async Task TransportReset_TheWriteFails()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await OpenAsync(server, gated: true);
        client.Gate.Hold();
        server.Handler.Connection.Send("pending");

        client.Gate.FailWith(new IOException("Broken pipe"));

        await AssertCauseAsync(server, client, CloseCause.TransportReset, 1006, "");
    }

    [Fact]
    public async Task TransportEnded_TheClientEndsItsSide()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await OpenAsync(server);

        client.EndOutput();

        await AssertCauseAsync(server, client, CloseCause.TransportEnded, 1006, "");
    }

    [Fact]
    public async Task TransportFailed_TheWriterThrowsWhatNoTransportDoes()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await OpenAsync(server, gated: true);
        client.Gate.FailWith(new NotSupportedException());

        server.Handler.Connection.Send("hello");

        await AssertCauseAsync(server, client, CloseCause.TransportFailed, 1006, "");
        Assert.Equal(LogLevel.Error, Assert.Single(server.Log.Of("TransportFailed")).Level);
    }

    [Fact]
    public async Task CloseTimeout_TheClientDoesNotAnswerTheApplication()
    {
        await using WeirConnectionHarness server = new(static options => options.CloseTimeout = TimeSpan.FromSeconds(3));
        WeirConnectionClient client = await server.ConnectAsync();
        server.Handler.Connection.Close(CloseCode.Normal, "done");

        server.Wait(TimeSpan.FromSeconds(4));

        await client.Finished.Within();
        AssertCause(server, CloseCause.CloseTimeout, 1000, "done");
    }

    [Fact]
    public async Task FirstCause_IsKept()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await OpenAsync(server);

        server.Handler.Connection.Close((CloseCode)4003, "first", CloseCause.AccessRevoked);
        Assert.False(server.Handler.Connection.Close((CloseCode)4004, "second", CloseCause.AccessDenied));
        server.Handler.Connection.Abort();

        await AssertCauseAsync(server, client, CloseCause.AccessRevoked, 4003, "first");
    }

    [Theory]
    [InlineData(CloseCause.ClientClosed)]
    [InlineData(CloseCause.ApplicationAborted)]
    [InlineData(CloseCause.TransportReset)]
    [InlineData(CloseCause.TransportEnded)]
    [InlineData(CloseCause.TransportFailed)]
    [InlineData(CloseCause.CloseTimeout)]
    [InlineData((CloseCause)255)]
    public async Task CauseThatIsOnlyObserved_CannotBeNamed(CloseCause cause)
    {
        await using WeirConnectionHarness server = new();
        await server.ConnectAsync();
        WeirConnection connection = server.Handler.Connection;

        Assert.Throws<ArgumentOutOfRangeException>(nameof(cause), () => connection.Close(CloseCode.Normal, "", cause));
        Assert.Throws<ArgumentOutOfRangeException>(nameof(cause), () => connection.CloseAt(null, CloseCode.Normal, "", cause));
        Assert.Throws<ArgumentOutOfRangeException>(nameof(cause), () => connection.CloseAfter(null, CloseCode.Normal, "", cause));
        Assert.Empty(server.Handler.Closures);
    }

    [Fact]
    public void EachCause_HasANameOfItsOwnAndAnInitiator()
    {
        CloseCause[] all = Enum.GetValues<CloseCause>();

        Assert.Equal(all.Length, all.Select(CloseCauses.NameOf).Distinct().Count());
        Assert.All(all, static cause => Assert.Equal(
            cause.ToString(),
            string.Concat(CloseCauses.NameOf(cause).Split('_').Select(static word => char.ToUpperInvariant(word[0]) + word[1..]))));
        Assert.Equal([CloseCause.ClientClosed], all.Where(static cause => CloseCauses.InitiatorOf(cause) == CloseInitiator.Client));
        Assert.Equal(
            [CloseCause.TransportReset, CloseCause.TransportEnded, CloseCause.TransportFailed],
            all.Where(static cause => CloseCauses.InitiatorOf(cause) == CloseInitiator.Transport));
        Assert.Equal(
            [
                CloseCause.ProtocolError, CloseCause.MessageTooBig, CloseCause.RateLimited, CloseCause.SlowConsumer,
                CloseCause.HeartbeatTimeout, CloseCause.ConnectTimeout, CloseCause.HandlerFailed,
            ],
            all.Where(static cause => CloseCauses.InitiatorOf(cause) == CloseInitiator.Engine));
        Assert.Throws<ArgumentOutOfRangeException>(static () => CloseCauses.NameOf((CloseCause)255));
    }

    private static async Task<WeirConnectionClient> OpenAsync(WeirConnectionHarness server, bool gated = false)
    {
        WeirConnectionClient client = await server.ConnectAsync(gated: gated);
        server.Time.Advance(_open);
        return client;
    }

    // The connection was open for exactly that time: no test lets more pass behind it.
    private static async Task AssertCauseAsync(
        WeirConnectionHarness server, WeirConnectionClient client, CloseCause cause, int code, string reason)
    {
        await client.Finished.Within();
        AssertCause(server, cause, code, reason);
        Assert.Equal(_open.TotalSeconds, server.Metrics.Sum("weir.connection.duration"), tolerance: 0.001);
    }

    private static void AssertCause(WeirConnectionHarness server, CloseCause cause, int code, string reason)
    {
        (string, object?) tag = ("weir.close.cause", CloseCauses.NameOf(cause));
        WeirClosure closure = Assert.Single(server.Handler.Closures);
        Assert.Equal((cause, (CloseCode)code), (closure.Cause, closure.Code));
        Assert.Equal(1, server.Metrics.Sum("weir.connections.closed"));
        Assert.Equal(1, server.Metrics.Sum("weir.connections.closed", tag));
        Assert.Equal(1, server.Metrics.Count("weir.connection.duration"));
        Assert.Equal(1, server.Metrics.Count("weir.connection.duration", tag));
        LogRecord logged = Assert.Single(server.Log.Of("ConnectionClosed"));
        Assert.Equal((CloseCauses.NameOf(cause), code, reason), (logged.Values["Cause"], logged.Values["Code"], logged.Values["Reason"]));
    }
}
