using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Relay.Rooms;
using Weir.Rooms;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Relay.Tests.Nodes;

/// <summary>Subscriptions from a position on, and what a room does about announcements that did not come.</summary>
public sealed class RecoveryTests
{
    private static readonly RoomRule _kept = new() { HistorySize = 10 };
    private static readonly NotingAudiences _audiences = new();

    [Fact]
    public async Task From_WithinTheHistory_GetsExactlyWhatWasMissed()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Publish(broker, "one", "two", "three");

        Listener listener = await PublishTests.SubscribeAsync(world, "a", new StreamPosition("e1", 1));
        Publish(broker, "four");

        await listener.ReceivesAsync("recovered e1:3", "2:two", "3:three", "4:four");
    }

    [Theory]
    [InlineData("e1", 3, "recovered e1:3")] // has all
    [InlineData("", 3, "recovered e1:3")] // no epoch given
    [InlineData("e0", 3, "not recovered e1:3")]
    [InlineData("e1", 4, "not recovered e1:3")] // beyond the top
    [InlineData("e1", 99, "not recovered e1:3")]
    public async Task From_AtOrBeyondTheTop(string epoch, long offset, string expected)
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Publish(broker, "one", "two", "three");

        Listener first = await PublishTests.SubscribeAsync(world, "a", new StreamPosition(epoch, offset));
        Listener second = await PublishTests.SubscribeAsync(world, "a", new StreamPosition(epoch, offset)); // the position is known by now
        Publish(broker, "four");

        await first.ReceivesAsync(expected, "4:four");
        await second.ReceivesAsync(expected, "4:four");
    }

    [Fact]
    public async Task From_AnEpochThatTheSequenceHadBefore_IsRecoveredUpToWhereItWentOn()
    {
        ScriptedBroker broker = new();
        broker.OnReadHistory = (room, query) => Task.FromResult(broker.Read(room, query) with { Past = [new("e0", 2)] });
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Publish(broker, "one", "two", "three");

        Listener before = await PublishTests.SubscribeAsync(world, "a", new StreamPosition("e0", 2));
        Listener beyond = await PublishTests.SubscribeAsync(world, "a", new StreamPosition("e0", 3));

        await before.ReceivesAsync("recovered e1:3", "3:three");
        await beyond.ReceivesAsync("not recovered e1:3");
    }

    [Fact]
    public async Task From_BeforeTheHistory_IsNotRecoveredAndGetsNothingOld()
    {
        ScriptedBroker broker = new();
        broker.OnReadHistory = (room, query) => Task.FromResult(broker.Read(room, query, from: 3));
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Publish(broker, "one", "two", "three");

        Listener tooLate = await PublishTests.SubscribeAsync(world, "a", new StreamPosition("e1", 1));
        Listener inTime = await PublishTests.SubscribeAsync(world, "a", new StreamPosition("e1", 2));
        Listener fromZero = await PublishTests.SubscribeAsync(world, "a", new StreamPosition("e1", 0));

        await tooLate.ReceivesAsync("not recovered e1:3");
        await inTime.ReceivesAsync("recovered e1:3", "3:three");
        await fromZero.ReceivesAsync("not recovered e1:3");
    }

    [Fact]
    public async Task NoPosition_StartsAtTheTop()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Publish(broker, "one");

        Listener listener = await PublishTests.SubscribeAsync(world, "a");
        Publish(broker, "two");

        await listener.ReceivesAsync("not recovered e1:1", "2:two");
    }

    [Fact]
    public async Task PublicationsDuringARead_AreMergedOnce()
    {
        TaskCompletionSource mayRead = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Publish(broker, "one", "two");
        Listener standing = await PublishTests.SubscribeAsync(world, "a");
        TaskCompletionSource hasRead = new(TaskCreationOptions.RunContinuationsAsynchronously);
        broker.OnReadHistory = async (room, query) =>
        {
            RoomHistory read = broker.Read(room, query);
            hasRead.SetResult();
            await mayRead.Task;
            return read;
        };

        Task<Listener> subscribing = PublishTests.SubscribeAsync(world, "a", new StreamPosition("e1", 0));
        await hasRead.Task.Within();
        Publish(broker, "three", "four");
        await standing.ReceivesAsync("not recovered e1:2", "3:three", "4:four"); // no listener waits for the read
        mayRead.SetResult();
        Listener listener = await subscribing;
        Publish(broker, "five");

        await listener.ReceivesAsync("recovered e1:4", "1:one", "2:two", "3:three", "4:four", "5:five");
        await standing.ReceivesAsync("not recovered e1:2", "3:three", "4:four", "5:five");
    }

    [Fact]
    public async Task HistoryAheadOfTheAnnouncements_ServesTheWholeRoom()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Publish(broker, "one");
        Listener standing = await PublishTests.SubscribeAsync(world, "a");
        Member member = await world.JoinAsync("a");
        broker.Announces = false; // on their way
        Publish(broker, "two", "three");
        broker.Announces = true;

        Listener listener = await PublishTests.SubscribeAsync(world, "a", new StreamPosition("e1", 0));
        broker.Sink.OnPublication("a", "two".ToPublication().WithOffset(2), "e1"); // now they come
        broker.Sink.OnPublication("a", "three".ToPublication().WithOffset(3), "e1");
        Publish(broker, "four");

        await listener.ReceivesAsync("recovered e1:3", "1:one", "2:two", "3:three", "4:four");
        await standing.ReceivesAsync("not recovered e1:1", "2:two", "3:three", "4:four");
        await member.ReceivesAsync("two", "three", "four");
    }

    [Fact]
    public async Task ManyAtOnce_AreServedByFewReads()
    {
        TaskCompletionSource mayRead = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Publish(broker, "one", "two", "three");
        await PublishTests.SubscribeAsync(world, "a");
        int before = broker.Calls.Count(static call => call == "read a");
        broker.OnReadHistory = async (room, query) =>
        {
            await mayRead.Task;
            return broker.Read(room, query);
        };

        Task<Listener>[] subscribing =
            [.. Enumerable.Range(0, 100).Select(i => PublishTests.SubscribeAsync(world, "a", new StreamPosition("e1", i % 3)))];
        await broker.HasCalledAsync("read a", before + 1);
        mayRead.SetResult();
        Listener[] listeners = await Task.WhenAll(subscribing).Within();

        Assert.All(listeners, static (listener, i) =>
            Assert.Equal(Enumerable.Range(i % 3 + 1, 3 - i % 3).Select(static n => (long)n), listener.Offsets));
        Assert.InRange(broker.Calls.Count(static call => call == "read a") - before, 1, 3);
    }

    [Fact]
    public async Task Gap_IsFilledInFromTheHistory_InOrder()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Listener listener = await PublishTests.SubscribeAsync(world, "a");
        Member member = await world.JoinAsync("a");
        Publish(broker, "one");
        broker.Announces = false;
        Publish(broker, "two", "three");
        broker.Announces = true;
        Publish(broker, "four");

        await listener.ReceivesAsync("not recovered e1:0", "1:one", "2:two", "3:three", "4:four");
        await member.ReceivesAsync("one", "two", "three", "four");
        Assert.Equal(3, world.Metrics.Sum("weir.relay.filled_in"));
    }

    [Fact]
    public async Task OwnPublication_ThatIsFilledIn_IsStillNotReceivedByItsPublisher()
    {
        ScriptedBroker broker = new() { Announces = false };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");
        await Bounded.Eventually(() => broker.Calls.Contains("read a"));
        await ann.SendAsync("lost on its way");
        broker.Announces = true;
        await bob.SendAsync("x");

        await bob.ReceivesAsync("lost on its way");
        await ann.ReceivesAsync("x");
    }

    [Fact]
    public async Task LostAnnouncement_ThatNoOtherFollows_IsFoundByThePositionCheck()
    {
        ScriptedBroker broker = new();
        RelayOptions options = new() { Rules = new RoomRules(_kept) };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, options);
        Listener listener = await PublishTests.SubscribeAsync(world, "a");
        broker.Announces = false;
        Publish(broker, "one");

        world.Time.Advance(options.PositionCheckInterval);

        await listener.ReceivesAsync("not recovered e1:0", "1:one");
    }

    [Fact]
    public async Task BrokerAvailableAgain_PositionsAreCheckedAtOnce_AndMissedPublicationsAreFilledIn()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Listener listener = await PublishTests.SubscribeAsync(world, "a");
        broker.SetHealth(BrokerHealth.Degraded);
        broker.Announces = false;
        Publish(broker, "one", "two");
        broker.Announces = true;

        broker.SetHealth(BrokerHealth.Up);

        await listener.ReceivesAsync("not recovered e1:0", "1:one", "2:two");
    }

    [Fact]
    public async Task EpochChanged_ListenersAreNotified_AndGetAllOfTheNewOne()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Listener listener = await PublishTests.SubscribeAsync(world, "a");
        Member member = await world.JoinAsync("a");
        Publish(broker, "one", "two");
        await listener.ReceivesAsync("not recovered e1:0", "1:one", "2:two");
        broker.Forget("e2");
        broker.Announces = false;
        Publish(broker, "new one");
        broker.Announces = true;
        Publish(broker, "new two");

        await listener.ReceivesAsync("not recovered e1:0", "1:one", "2:two", "lost EpochChanged e2:0", "1:new one", "2:new two");
        await member.ReceivesAsync("one", "two", "new one", "new two");
        Assert.Equal(1, world.Metrics.Sum("weir.relay.positions_lost", ("weir.reason", "epoch")));
        Listener late = await PublishTests.SubscribeAsync(world, "a", new StreamPosition("e1", 2));
        await late.ReceivesAsync("not recovered e2:2");
    }

    [Fact]
    public async Task TrimmedMeanwhile_ListenersAreNotified_AndGetTheRest()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Listener listener = await PublishTests.SubscribeAsync(world, "a");
        broker.OnReadHistory = (room, query) => Task.FromResult(broker.Read(room, query, from: 3));
        broker.Announces = false;
        Publish(broker, "one", "two", "three");

        broker.SetHealth(BrokerHealth.Up);

        await listener.ReceivesAsync("not recovered e1:0", "lost Trimmed e1:2", "3:three");
    }

    [Fact]
    public async Task RolledBack_ListenersAreNotified()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Listener listener = await PublishTests.SubscribeAsync(world, "a");
        Publish(broker, "one", "two", "three");
        await listener.ReceivesAsync("not recovered e1:0", "1:one", "2:two", "3:three");
        broker.RollBack("a", 2);

        Publish(broker, "another two");

        await listener.ReceivesAsync("not recovered e1:0", "1:one", "2:two", "3:three", "lost RolledBack e1:1", "2:another two");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task HistoryNotReadable_ASubscriptionIsRefused_NotBegunWithoutAPosition(bool asksForAPosition)
    {
        StreamPosition? from = asksForAPosition ? new StreamPosition("e1", 0) : null;
        ScriptedBroker broker = new() { OnReadHistory = static (_, _) => throw new BrokerUnavailableException("away", isUnknown: false) };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Member member = await world.JoinAsync("a");

        BrokerUnavailableException refused =
            await Assert.ThrowsAsync<BrokerUnavailableException>(() => PublishTests.SubscribeAsync(world, "a", from));
        Publish(broker, "one");
        await member.ReceivesAsync("one"); // members have no position
        broker.OnReadHistory = null;
        await PublishTests.MaintainUntilAsync(world, () => broker.Calls.Count(static call => call == "read a") > 3);
        Listener listener = await PublishTests.SubscribeAsync(world, "a", from);
        Publish(broker, "two");

        await listener.ReceivesAsync(asksForAPosition ? ["recovered e1:1", "1:one", "2:two"] : ["not recovered e1:1", "2:two"]);
        Assert.False(refused.IsUnknown);
        Assert.Equal(2, world.Node.Rooms.Single().Listeners); // the one that was refused is not counted
    }

    [Fact]
    public async Task WithoutNumber_BehindAGap_WaitsForWhatWasBeforeIt()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Listener listener = await PublishTests.SubscribeAsync(world, "a");
        TaskCompletionSource mayRead = new(TaskCreationOptions.RunContinuationsAsynchronously);
        broker.OnReadHistory = async (room, query) =>
        {
            await mayRead.Task;
            return broker.Read(room, query);
        };
        broker.Announces = false;
        Publish(broker, "one");
        broker.Announces = true;
        Publish(broker, "two");

        broker.Take("a", "not stored", keep: false);
        Publish(broker, "three");
        mayRead.SetResult();

        await listener.ReceivesAsync("not recovered e1:0", "1:one", "2:two", "0:not stored", "3:three");
    }

    [Fact]
    public async Task Cancelled_WhileTheHistoryIsRead_LeavesNothingBehind()
    {
        ScriptedBroker broker = new();
        broker.OnReadHistory = (room, query)
            => query.Limit == 0 ? Task.FromResult(broker.Read(room, query)) : new TaskCompletionSource<RoomHistory>().Task;
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        broker.Take("a", "x");
        using CancellationTokenSource gone = new();
        Listener listener = new();

        Task subscribing = world.Node.SubscribeAsync("a", _audiences, listener, new StreamPosition("e1", 0), gone.Token);
        await broker.HasCalledAsync("read a", 2);
        await gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subscribing).Within();
        await Bounded.Eventually(() => !world.Node.Rooms.Any());
        Assert.Empty(listener.Received);
    }

    [Fact]
    public async Task RoomWithoutHistory_CannotRecover()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker);

        Listener listener = await PublishTests.SubscribeAsync(world, "a", new StreamPosition("e1", 0));
        broker.Take("a", "x", keep: false);

        await listener.ReceivesAsync("not recovered :0", "0:x");
    }

    [Fact]
    public async Task AllLeaveAndReturn_StartsAtTheNewPosition()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        await PublishTests.SubscribeAsync(world, "a");
        Publish(broker, "one");
        world.Node.Unsubscribe(world.Node.Rooms.Single());
        await broker.HasCalledAsync("unsubscribe a");
        Publish(broker, "two");

        Listener back = await PublishTests.SubscribeAsync(world, "a", new StreamPosition("e1", 1));

        await back.ReceivesAsync("recovered e1:2", "2:two");
    }

    [Fact]
    public async Task AudienceThatThrows_IsLoggedAndStopsNoOther()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        await world.Node.SubscribeAsync("a", new ThrowingAudiences(), new Listening(), null, CancellationToken.None).Within();
        Listener listener = await PublishTests.SubscribeAsync(world, "a");

        broker.Take("a", "x", keep: false);

        await listener.ReceivesAsync("not recovered :0", "0:x");
        Assert.Single(world.Log.Of("AudienceFailed"));
    }

    private static void Publish(ScriptedBroker broker, params string[] texts) => Array.ForEach(texts, text => broker.Take("a", text));

    private sealed class Listening : IRoomListener
    {
        public void OnSubscribed(IRoomAudience audience, Recovery recovery)
        {
        }
    }

    private sealed class ThrowingAudiences : IRoomAudienceFactory, IRoomAudience
    {
        public IRoomAudience Create(LocalRoom room) => this;

        public void OnPublication(LocalRoom room, Publication publication, IRoomMember? except)
            => throw new InvalidOperationException("of the audience");

        public void OnPositionLost(LocalRoom room, StreamPosition now, PositionLoss reason)
        {
        }
    }
}
