using Weir.Closing;
using Weir.Connections;
using Weir.Protocol;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Connections;

public sealed class WeirConnectionCloseAfterTests
{
    private const CloseCode Expired = (CloseCode)4401;

    private static readonly TimeSpan _minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _twoTicks = TimeSpan.FromMilliseconds(200);

    [Fact]
    public async Task Delay_HasPassed_ClosesWithCodeAndReason()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();

        server.Handler.Connection.CloseAfter(_minute, Expired, "token expired");
        Assert.Equal(1, server.Listener.Engine.Calendar.Count);
        server.Handler.Connection.Send("before");
        server.Wait(_minute + _twoTicks);

        Assert.Equal("before", (await client.ReadFrameAsync()).Text);
        ServerFrame close = await client.ReadFrameAsync();
        Assert.Equal((4401, "token expired"), (close.CloseCode, close.CloseReason));
        await client.SendAsync(Frames.Close(4401));
        await client.Finished.Within();
        Assert.Equal(new WeirClosure(Expired, "token expired", CloseCause.ApplicationClosed), Assert.Single(server.Handler.Closures));
        Assert.Equal(0, server.Listener.Wheel.Count);
        Assert.Equal(0, server.Listener.Engine.Calendar.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    [InlineData(99)]
    public async Task Delay_IsNeverShortened(int millisecondsIntoATick)
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        WeirConnection connection = server.Handler.Connection;
        connection.CloseAfter(TimeSpan.FromHours(1), Expired, ""); // the wheel runs, so its clock stands between two ticks
        server.Time.Advance(TimeSpan.FromMilliseconds(millisecondsIntoATick));

        connection.CloseAfter(_minute, Expired, "");
        server.Wait(_minute - server.Listener.Wheel.Tick);
        server.Time.Advance(TimeSpan.FromMilliseconds(99));
        Assert.Empty(client.GatedFrames());
        server.Wait(_twoTicks);

        Assert.Equal(4401, Assert.Single(client.GatedFrames()).CloseCode);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public async Task Delay_IsOverAlready_ClosesAtTheNextStep(int seconds)
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync(gated: true);

        server.Handler.Connection.CloseAfter(TimeSpan.FromSeconds(seconds), Expired, "late");
        server.Wait(_twoTicks);

        Assert.Equal("late", Assert.Single(client.GatedFrames()).CloseReason);
    }

    [Fact]
    public async Task LaterCall_ReplacesThePlan()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        WeirConnection connection = server.Handler.Connection;

        connection.CloseAfter(_minute, Expired, "first");
        connection.CloseAfter(3 * _minute, CloseCode.GoingAway, "second");
        server.Wait(2 * _minute);
        Assert.Empty(client.GatedFrames());
        connection.CloseAfter(TimeSpan.FromSeconds(1), CloseCode.PolicyViolation, "third");
        server.Wait(TimeSpan.FromSeconds(2));

        Assert.Equal((1008, "third"), (client.GatedFrames()[0].CloseCode, client.GatedFrames()[0].CloseReason));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(long.MaxValue)]
    public async Task Null_OrForEver_PlansNothing(long? ticks)
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        WeirConnection connection = server.Handler.Connection;
        connection.CloseAfter(_minute, Expired, "");

        connection.CloseAfter(ticks is { } delay ? TimeSpan.FromTicks(delay) : null, Expired, "");

        Assert.Equal(0, server.Listener.Engine.Calendar.Count);
        server.Wait(2 * _minute);
        Assert.Empty(client.GatedFrames());
    }

    // The wheel forgives the pause; the clock does not.
    [Fact]
    public async Task Delay_PassesWhileTheProcessStands_ClosesOnWaking()
    {
        await using WeirConnectionHarness server = new(options => options.Heartbeat.Interval = TimeSpan.FromSeconds(30));
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        server.Handler.Connection.CloseAfter(TimeSpan.FromSeconds(20), Expired, "token expired");

        server.Time.Advance(TimeSpan.FromSeconds(40));

        Assert.Equal(4401, Assert.Single(client.GatedFrames(), static frame => frame.Opcode == 8).CloseCode);
    }

    [Fact]
    public async Task CloseAt_MessageOfAnExpiredClientBeforeTheTimersTurn_IsNotHandled()
    {
        StandingTimers time = new();
        await using WeirConnectionHarness server = new(time: time);
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        server.Handler.Connection.CloseAt(time.GetUtcNow() + _minute, Expired, "token expired");
        await client.SendAsync(Frames.Text("in time"));
        time.Skip(_minute);

        await client.SendAsync(Frames.Text("too late"));

        Assert.Contains("in time", server.Handler.Calls);
        Assert.DoesNotContain("too late", server.Handler.Calls);
        Assert.Equal((4401, "token expired"), (client.GatedFrames()[0].CloseCode, client.GatedFrames()[0].CloseReason));
    }

    // The connect of Centrifugo's protocol: a client is not charged for a pause of the server.
    [Fact]
    public async Task CloseUnlessReplanned_ProcessStands_IsForgiven()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        server.Handler.Connection.CloseUnlessReplanned(TimeSpan.FromSeconds(10), Expired, "stale", CloseCause.ConnectTimeout);

        server.Time.Advance(TimeSpan.FromSeconds(40));
        Assert.Empty(client.GatedFrames());
        server.Wait(TimeSpan.FromSeconds(10.5));

        Assert.Equal("stale", Assert.Single(client.GatedFrames()).CloseReason);
    }

    [Theory]
    [InlineData(25)]
    [InlineData(60)]
    [InlineData(36_500)]
    public async Task Delay_BeyondWhatTimersTake_IsWaitedForInPieces(int days)
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync(gated: true);

        server.Handler.Connection.CloseAfter(TimeSpan.FromDays(days), Expired, "late");
        server.Time.Advance(TimeSpan.FromDays(days) - _minute);
        Assert.Empty(client.GatedFrames());
        server.Time.Advance(_minute);

        Assert.Equal(4401, Assert.Single(client.GatedFrames()).CloseCode);
    }

    [Fact]
    public async Task Heartbeat_ContinuesBesideIt()
    {
        await using WeirConnectionHarness server = new(options => options.Heartbeat.Interval = TimeSpan.FromSeconds(10));
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        server.Handler.Connection.CloseAfter(_minute, Expired, "");

        for (int i = 0; i < 4; i++)
        {
            server.Wait(TimeSpan.FromSeconds(12));
            await client.SendAsync(Frames.Pong());
        }

        Assert.Equal(1, server.Listener.Wheel.Count);
        Assert.InRange(client.GatedFrames().Count(frame => frame.Opcode == 9), 3, 5);
        server.Wait(TimeSpan.FromSeconds(13));
        Assert.Equal(4401, client.GatedFrames()[^1].CloseCode);
    }

    [Fact]
    public async Task Silence_BeforeIt_EndsTheConnectionToo()
    {
        await using WeirConnectionHarness server = new(options => options.Heartbeat.Interval = TimeSpan.FromSeconds(10));
        WeirConnectionClient client = await server.ConnectAsync();
        server.Handler.Connection.CloseAfter(_minute, Expired, "");

        server.Wait(TimeSpan.FromSeconds(40));

        await client.Finished.Within();
        Assert.Equal(1, server.Metrics.Sum("weir.heartbeats.missed"));
        Assert.Equal(0, server.Listener.Wheel.Count);
        Assert.Equal(0, server.Listener.Engine.Calendar.Count);
    }

    [Fact]
    public async Task ClosingConnection_TakesNoPlan()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();
        WeirConnection connection = server.Handler.Connection;
        connection.Close(CloseCode.GoingAway, "bye");

        connection.CloseAfter(TimeSpan.Zero, Expired, "late");
        server.Wait(TimeSpan.FromSeconds(1));
        await client.SendAsync(Frames.Close(1001));

        Assert.Equal(1001, Assert.Single(await client.ReadFramesToEndAsync()).CloseCode);
        await client.Finished.Within();
        connection.CloseAfter(TimeSpan.Zero, Expired, "later");
        Assert.Equal(0, server.Listener.Engine.Calendar.Count);
    }

    /// <summary>A clock that advances while no timer fires, as between waking and the timers' turn.</summary>
    private sealed class StandingTimers : Microsoft.Extensions.Time.Testing.FakeTimeProvider
    {
        private TimeSpan _skipped;

        public void Skip(TimeSpan span) => _skipped += span;

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + _skipped;
    }

    [Fact]
    public async Task Code_ThatMayNotBeSent_Throws()
    {
        await using WeirConnectionHarness server = new();
        await server.ConnectAsync();

        Assert.Throws<ArgumentOutOfRangeException>(() => server.Handler.Connection.CloseAfter(_minute, CloseCode.Abnormal, ""));
        Assert.Throws<ArgumentNullException>(() => server.Handler.Connection.CloseAfter(_minute, Expired, null!));
        Assert.Equal(0, server.Listener.Wheel.Count);
    }
}
