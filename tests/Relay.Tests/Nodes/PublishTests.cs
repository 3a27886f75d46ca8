using System.Buffers;
using Weir.Brokers.Testing;
using Weir.Connections;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Relay.Rooms;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Relay.Tests.Nodes;

/// <summary>From a member, through the broker, to the others.</summary>
public sealed class PublishTests
{
    private static readonly RoomRule _kept = new() { HistorySize = 10 };

    [Theory]
    [InlineData(new byte[] { 0xFF })]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 })] // U+D800 as bytes
    [InlineData(new byte[] { 0xC0, 0xAF })] // '/' in two bytes
    [InlineData(new byte[] { 0xE2, 0x82 })] // truncated
    public async Task TextFromCode_ThatIsNotUtf8_IsTheCallersMistake_AndBytesAreNot(byte[] data)
    {
        await using RelayWorld world = await RelayWorld.StartAsync(new ScriptedBroker(), _kept);
        Member member = await world.JoinAsync("a");

        await Assert.ThrowsAsync<ArgumentException>(() => world.Node.PublishAsync("a", new Publication { Data = data }).AsTask().Within());
        await world.Node.PublishAsync("a", new Publication { Data = data, Kind = MessageKind.Binary }).Within();
        await world.PublishAsync("a", "text");

        await Bounded.Eventually(() => member.Received.Count == 2);
        Assert.Equal([0x2, 0x1], Frames.ParseAll(member.Writer.Sent).Select(static frame => frame.Opcode));
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 10)]
    [InlineData(false, 0)]
    [InlineData(false, 10)]
    public async Task Message_ReachesEveryOtherMemberOnce(bool isSingleNode, int historySize)
    {
        ScriptedBroker broker = new() { IsSingleNode = isSingleNode };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, new RoomRule { HistorySize = historySize });
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");
        Member other = await world.JoinAsync("b");

        for (int i = 0; i < 100; i++)
        {
            await ann.SendAsync($"ann {i}");
        }

        await bob.ReceivesAsync([.. Enumerable.Range(0, 100).Select(static i => $"ann {i}")]);
        await bob.SendAsync("bob");
        await ann.ReceivesAsync("bob");
        Assert.Empty(other.Received);
        Assert.Equal(100, bob.Received.Count);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 10)]
    [InlineData(false, 0)]
    [InlineData(false, 10)]
    public async Task Message_ToSeveralRooms_ReachesAConnectionInSeveralOnce(bool isSingleNode, int historySize)
    {
        ScriptedBroker broker = new() { IsSingleNode = isSingleNode };
        RoomRule rule = new() { Pattern = "b", HistorySize = historySize }; // the other rooms have no history: one of each kind
        await using RelayWorld world = await RelayWorld.StartAsync(broker, rule);
        Member publisher = await world.JoinAsync("a");
        LocalRoom other = (await world.Node.JoinAsync("b", publisher.Connection).AsTask().Within())!;
        Member both = await world.JoinAsync("a");
        await world.Node.JoinAsync("b", both.Connection).AsTask().Within();
        Member one = await world.JoinAsync("a");
        Member two = await world.JoinAsync("b");

        for (int i = 0; i < 50; i++)
        {
            ReadOnlySequence<byte> payload = new(System.Text.Encoding.UTF8.GetBytes($"{i}"));
            await world.Node.PublishAsync([publisher.Room, other], payload, MessageKind.Text, publisher.Connection).AsTask().Within();
        }

        string[] all = [.. Enumerable.Range(0, 50).Select(static i => $"{i}")];
        await one.ReceivesAsync(all);
        await two.ReceivesAsync(all);
        await Bounded.Eventually(() => both.Received.Count >= 50);
        Assert.Equal(all.Order(), both.Received.Order()); // between rooms there is no order
        Assert.Empty(publisher.Received);
    }

    [Fact]
    public async Task Message_ToSeveralRoomsOnAnotherNode_ReachesAConnectionInSeveralOnce()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Member both = await world.JoinAsync("a");
        await world.Node.JoinAsync("b", both.Connection).AsTask().Within();
        Member two = await world.JoinAsync("b");

        for (int i = 1; i <= 10; i++)
        {
            Publication copy = new() { Data = new[] { (byte)('0' + (i % 10)) }, Node = "other", NodeSequence = 2 * i, Message = i };
            broker.Take("a", copy);
            broker.Take("b", copy);
        }

        await two.ReceivesAsync("1", "2", "3", "4", "5", "6", "7", "8", "9", "0");
        await Bounded.Eventually(() => both.Received.Count >= 10);
        broker.Take("b", "last");
        await two.ReceivesAsync("1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "last");
        await Bounded.Eventually(() => both.Received.Contains("last"));
        Assert.Equal(11, both.Received.Count);
    }

    [Fact]
    public async Task PlainRoom_GoesStraightToItsMembers_AndPastTheBroker()
    {
        ScriptedBroker broker =
            new() { IsSingleNode = true, OnPublish = static (_, _) => throw new InvalidOperationException("not asked") };
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");

        await ann.SendAsync("x");

        Assert.Equal(["x"], bob.Received); // at once: no other thread had to run
    }

    [Fact]
    public async Task PlainRoom_Publish_AllocatesNothing()
    {
        await using RelayWorld world = await RelayWorld.StartAsync(new MemoryBroker());
        Member[] members = [.. await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => JoinSinkAsync(world)))];
        ReadOnlySequence<byte> payload = new(new byte[64]);

        Assert.Equal(0, Allocations.LeastOf(Run));

        void Run()
        {
            for (int i = 0; i < 1000; i++)
            {
                Assert.True(world.Node.PublishAsync(members[0].Room, payload, MessageKind.Binary, members[0].Connection).AsTask()
                    .IsCompletedSuccessfully);
            }
        }
    }

    [Fact]
    public async Task Subscriptions_AreOnePerRoom()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Member[] members = [await world.JoinAsync("a"), await world.JoinAsync("a"), await world.JoinAsync("b")];

        Array.ForEach(members, static member => member.Leave());
        await Bounded.Eventually(() => !world.Node.Rooms.Any());

        Assert.Equal(
            ["subscribe a", "subscribe b", "unsubscribe a", "unsubscribe b"],
            broker.Calls.Where(static call => call.Contains("subscribe", StringComparison.Ordinal)).Order());
    }

    [Fact]
    public async Task OrderOfTheBroker_IsTheOrderOfTheMembers_WhateverTheOrderOfTheCalls()
    {
        List<Publication> taken = [];
        ScriptedBroker broker =
            new() { OnPublish = (_, publication) => { taken.Add(publication); return new(new StreamPosition("", 0)); } };
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");

        await ann.SendAsync("1");
        broker.Take("a", "from another node", keep: false);
        await bob.SendAsync("2");
        taken.ForEach(publication => broker.Sink.OnPublication("a", publication, ""));

        await ann.ReceivesAsync("from another node", "2");
        await bob.ReceivesAsync("from another node", "1");
    }

    [Fact]
    public async Task PublishByName_ReachesAllAndGivesThePosition()
    {
        await using RelayWorld world = await RelayWorld.StartAsync(new ScriptedBroker(), _kept);
        Member ann = await world.JoinAsync("a");

        StreamPosition first = await world.PublishAsync("a", "x");
        StreamPosition elsewhere = await world.PublishAsync("no member is here", "y");

        await ann.ReceivesAsync("x");
        Assert.Equal([new("e1", 1), new("e1", 1)], new[] { first, elsewhere });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task NotStored_WhereNotDurable_TheMembersHereReceiveItOnce(bool isUnknown)
    {
        ScriptedBroker broker = new() { OnPublish = (_, _) => Failed(isUnknown) };
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");
        Listener listener = await SubscribeAsync(world, "a");

        await ann.SendAsync("x");
        await bob.SendAsync("y");

        await bob.ReceivesAsync("x");
        await ann.ReceivesAsync("y");
        await listener.ReceivesAsync("not recovered :0", "0:x", "0:y");
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(0, true)]
    [InlineData(10, false)]
    [InlineData(10, true)]
    public async Task NotStored_WhosePublisherGetsAnAnswer_IsAnErrorAndNotReceived(int historySize, bool isUnknown)
    {
        ScriptedBroker broker = new() { OnPublish = (_, _) => Failed(isUnknown) };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, new RoomRule { HistorySize = historySize });
        Member ann = await world.JoinAsync("a");
        Listener listener = await SubscribeAsync(world, "a");

        BrokerUnavailableException error = await Assert.ThrowsAsync<BrokerUnavailableException>(() => world.PublishAsync("a", "lost"));
        broker.OnPublish = null;
        await world.PublishAsync("a", "taken");

        await ann.ReceivesAsync("taken");
        await listener.ReceivesAsync(historySize == 0 ? ["not recovered :0", "0:taken"] : ["not recovered e1:0", "1:taken"]);
        Assert.Equal(isUnknown, error.IsUnknown);
        Assert.DoesNotContain("skip a", broker.Calls);
    }

    [Fact]
    public async Task NotStored_WhosePublisherGetsAnAnswer_AndStoredAllTheSame_IsReceivedOnce()
    {
        ScriptedBroker broker = new() { Announces = false };
        broker.OnPublish = (room, publication) => { broker.Take(room, publication); return Failed(isUnknown: true); };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Listener listener = await SubscribeAsync(world, "a");
        Member ann = await world.JoinAsync("a");

        await Assert.ThrowsAsync<BrokerUnavailableException>(() => world.PublishAsync("a", "x"));
        await MaintainUntilAsync(world, () => ann.Received.Count == 1);

        await listener.ReceivesAsync("not recovered e1:0", "1:x");
        await ann.ReceivesAsync("x");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    public async Task AnnouncedBeforeItsAnswerWasLost_IsReceivedOnce(int historySize)
    {
        TaskCompletionSource<StreamPosition> answer = new();
        ScriptedBroker broker = new();
        broker.OnPublish = (room, publication) => { broker.Take(room, publication, historySize > 0); return new(answer.Task); };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, new RoomRule { HistorySize = historySize });
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");
        Listener listener = await SubscribeAsync(world, "a");
        await ann.SendAsync("x");
        await bob.ReceivesAsync("x");

        answer.SetException(new BrokerUnavailableException("the link for commands is cut", isUnknown: true));
        broker.Take("a", "y", historySize > 0);

        await bob.ReceivesAsync("x", "y");
        await listener.ReceivesAsync(historySize > 0 ? ["not recovered e1:0", "1:x", "2:y"] : ["not recovered :0", "0:x", "0:y"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task NotStored_WithHistory_WaitsBehindWhatIsUnknown_AndKeepsTheOrder(bool isUnknownStored)
    {
        ScriptedBroker broker = new() { Announces = false };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");
        Listener listener = await SubscribeAsync(world, "a");
        broker.OnReadHistory = static (_, _) => throw new BrokerUnavailableException("away", isUnknown: false);
        broker.SetHealth(BrokerHealth.Degraded);
        List<TaskCompletionSource<StreamPosition>> answers = [];
        broker.OnPublish = (room, publication) =>
        {
            if (isUnknownStored)
            {
                broker.Take(room, publication);
            }

            answers.Add(new TaskCompletionSource<StreamPosition>(TaskCreationOptions.RunContinuationsAsynchronously));
            return new(answers[^1].Task);
        };
        await ann.SendAsync("1");
        await ann.SendAsync("2");
        broker.OnPublish = static (_, _) => Failed(isUnknown: false); // known to be unavailable
        await ann.SendAsync("3");
        await ann.SendAsync("4");
        answers.ForEach(static answer => answer.SetException(new BrokerUnavailableException("no answer", isUnknown: true)));
        await bob.ReceivesAsync("1", "2", "3", "4"); // do not wait for an unavailable broker
        world.RunMaintenance();
        Assert.Single(listener.Received);

        broker.OnReadHistory = null;
        broker.SetHealth(BrokerHealth.Up);
        await Bounded.Eventually(() =>
        {
            // As maintenance does a second later: a read that began before the broker was available may fail only now.
            ann.Room.Maintain(isCheckDue: true, isRefreshDue: false);
            return listener.Received.Count >= 5;
        });
        broker.OnPublish = null;
        broker.Announces = true;
        await ann.SendAsync("5");

        await listener.ReceivesAsync(["not recovered e1:0", .. isUnknownStored ? (string[])["1:1", "2:2", "0:3", "0:4", "4:5"]
            : ["0:1", "0:2", "0:3", "0:4", "2:5"]]);
        await bob.ReceivesAsync("1", "2", "3", "4", "5");
    }

    [Fact]
    public async Task NotStored_WithHistory_ALaterAnnouncementOfThisNode_SettlesWhatIsBeforeIt()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");
        Listener listener = await SubscribeAsync(world, "a");
        broker.OnReadHistory = static (_, _) => new TaskCompletionSource<RoomHistory>().Task;
        Publication? late = null;
        broker.OnPublish = (_, publication) => { late = publication; return Failed(isUnknown: true); };
        await ann.SendAsync("unknown");
        broker.OnPublish = static (_, _) => Failed(isUnknown: false);
        await ann.SendAsync("not stored");
        await bob.ReceivesAsync("unknown", "not stored");
        broker.OnPublish = (_, publication) =>
        {
            broker.Sink.OnPublication("a", publication.WithOffset(1), "e1"); // the number left out is looked at elsewhere
            return new(new StreamPosition("e1", 1));
        };
        await ann.SendAsync("stored");
        await listener.ReceivesAsync("not recovered e1:0", "0:unknown", "0:not stored", "1:stored");

        broker.Sink.OnPublication("a", late!.WithOffset(2), "e1"); // on another connection, after all
        broker.Sink.OnPublication("a", "next".ToPublication().WithOffset(3), "e1");

        await listener.ReceivesAsync("not recovered e1:0", "0:unknown", "0:not stored", "1:stored", "3:next");
        await bob.ReceivesAsync("unknown", "not stored", "stored", "next");
        await ann.ReceivesAsync("next");
    }

    [Fact]
    public async Task NotStored_WithHistory_TheOffsetsShowIt_AtTheNextPublish()
    {
        ScriptedBroker here = new();
        await using RelayWorld world = await RelayWorld.StartAsync(here, _kept);
        Member ann = await world.JoinAsync("a");
        here.OnPublish = static (_, _) => Failed(isUnknown: false);
        await ann.SendAsync("delivered here only");
        here.OnPublish = null;

        Assert.Equal(new StreamPosition("e1", 2), await world.PublishAsync("a", "x"));
        Assert.Equal(new StreamPosition("e1", 3), await world.PublishAsync("a", "y"));
        Listener back = await SubscribeAsync(world, "a", new StreamPosition("e1", 0));
        await back.ReceivesAsync("not recovered e1:3");
    }

    [Fact]
    public async Task NotStored_WithHistory_AListenerThatReturnsBeforeTheOffsetsShowIt_IsNotRecovered()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Member ann = await world.JoinAsync("a");
        Listener listener = await SubscribeAsync(world, "a");
        broker.OnPublish = static (_, _) => Failed(isUnknown: false);
        await ann.SendAsync("delivered here only");
        await listener.ReceivesAsync("not recovered e1:0", "0:delivered here only");

        Listener back = await SubscribeAsync(world, "a", new StreamPosition("e1", 0));
        broker.OnPublish = null;
        await world.PublishAsync("a", "x");
        await back.ReceivesAsync("not recovered e1:0", "2:x");

        Listener later = await SubscribeAsync(world, "a", new StreamPosition("e1", 2));
        await later.ReceivesAsync("recovered e1:2");
    }

    [Fact]
    public async Task NotStored_WithHistory_TheOffsetsShowIt_AlsoWhenNoOtherFollows()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Member ann = await world.JoinAsync("a");
        broker.SetHealth(BrokerHealth.Degraded);
        broker.OnPublish = static (_, _) => Failed(isUnknown: false);
        await ann.SendAsync("delivered here only");
        world.RunMaintenance(3);
        Assert.DoesNotContain("skip a", broker.Calls); // it is unavailable

        broker.SetHealth(BrokerHealth.Up);
        await MaintainUntilAsync(world, () => broker.Calls.Contains("skip a"));
        world.RunMaintenance(3);

        Assert.Single(broker.Calls, "skip a");
        Listener back = await SubscribeAsync(world, "a", new StreamPosition("e1", 0));
        await back.ReceivesAsync("not recovered e1:1");
    }

    [Fact]
    public async Task AnnouncedButNotStored_IsReceivedInOrder_AndTheOffsetsShowIt()
    {
        ScriptedBroker broker = new();
        broker.OnPublish = (room, publication) => { broker.Take(room, publication, keep: false); return new(default(StreamPosition)); };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");
        Listener listener = await SubscribeAsync(world, "a");

        await ann.SendAsync("x");
        broker.OnPublish = null;
        await ann.SendAsync("y");

        await bob.ReceivesAsync("x", "y");
        await Bounded.Eventually(() => listener.Received.Count == 3);
        await listener.ReceivesAsync("not recovered e1:0", "0:x", "2:y");
        Assert.Equal(1, world.Metrics.Sum("weir.relay.publishes", ("weir.outcome", "announced")));
    }

    [Fact]
    public async Task Refusing_IsNotUnavailable_PublishersWaitAndNothingIsDeliveredTwice()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");

        broker.SetHealth(BrokerHealth.Refusing);
        await ann.SendAsync("x");
        broker.SetHealth(BrokerHealth.Up);
        await ann.SendAsync("y");

        await bob.ReceivesAsync("x", "y");
    }

    [Fact]
    public async Task MaybeStored_AndAnnouncedLater_IsNotReceivedAgain()
    {
        Publication? taken = null;
        ScriptedBroker broker = new() { OnPublish = (_, publication) => { taken = publication; return Failed(isUnknown: true); } };
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");
        Listener listener = await SubscribeAsync(world, "a");
        await ann.SendAsync("x");
        await bob.ReceivesAsync("x");

        broker.Sink.OnPublication("a", taken!, "");
        broker.Take("a", "y", keep: false);

        await bob.ReceivesAsync("x", "y");
        await ann.ReceivesAsync("y");
        await listener.ReceivesAsync("not recovered :0", "0:x", "0:y");
    }

    [Fact]
    public async Task MaybeStored_WithoutHistory_WhileTheBrokerIsUnavailable_IsNotOvertakenByWhatIsStoredAfterIt()
    {
        List<Publication> taken = [];
        ScriptedBroker broker = new() { OnPublish = (_, publication) => { taken.Add(publication); return Failed(isUnknown: true); } };
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Member ann = await world.JoinAsync("a");
        Listener listener = await SubscribeAsync(world, "a");
        broker.SetHealth(BrokerHealth.Degraded); // it hangs; its link for announcements stands
        await Assert.ThrowsAsync<BrokerUnavailableException>(() => world.PublishAsync("a", "1"));
        broker.OnPublish = (_, publication) => { taken.Add(publication); return new(default(StreamPosition)); };
        await world.PublishAsync("a", "2");
        await ann.ReceivesAsync("1", "2");

        taken.ForEach(publication => broker.Sink.OnPublication("a", publication, "")); // continues
        broker.Take("a", "3", keep: false);

        await ann.ReceivesAsync("1", "2", "3");
        await listener.ReceivesAsync("not recovered :0", "0:1", "0:2", "0:3");
    }

    [Fact]
    public async Task Stored_AfterAllHadLeft_WhileTheBrokerIsUnavailable_IsNotGivenToTheMembersOfTheNextRoomOfItsName()
    {
        TaskCompletionSource<StreamPosition> answer = new();
        ScriptedBroker broker = new() { Announces = false };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Member ann = await world.JoinAsync("a");
        StreamPosition place = default;
        broker.OnPublish = (room, publication) => { place = broker.Take(room, publication); return new(answer.Task); };
        Task<StreamPosition> publishing = world.PublishAsync("a", "1");
        ann.Leave();
        await broker.HasCalledAsync("unsubscribe a");
        await Bounded.Eventually(() => !world.Node.Rooms.Any());
        Member bob = await world.JoinAsync("a"); // at its place
        broker.SetHealth(BrokerHealth.Degraded);
        int reads = broker.Calls.Count(static call => call == "read a");

        answer.SetResult(place);
        await publishing;
        await Bounded.Eventually(() => broker.Calls.Count(static call => call == "read a") > reads);
        broker.OnPublish = null;
        broker.Announces = true;
        await world.PublishAsync("a", "2");

        await bob.ReceivesAsync("2");
    }

    [Fact]
    public async Task MaybeStored_WithHistory_BeforeTheRoomHasAPosition_IsNotGivenToLaterListeners()
    {
        ScriptedBroker broker = new() { Announces = false };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        broker.OnReadHistory = static (_, _) => throw new BrokerUnavailableException("hangs", isUnknown: true);
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");
        broker.OnPublish = (room, publication) => { broker.Take(room, publication); return Failed(isUnknown: true); };
        await ann.SendAsync("1");
        await bob.ReceivesAsync("1");

        broker.OnReadHistory = null; // shows where the room is, not what was before
        broker.OnPublish = null;
        Listener listener = new();
        await MaintainUntilAsync(world, () => broker.Calls.Count(static call => call == "read a") > 3);
        await world.Node.SubscribeAsync("a", new NotingAudiences(), listener, from: null, CancellationToken.None).Within();
        await MaintainUntilAsync(world, () => !world.Node.Rooms.Single().EventLoop.IsReadDue
            && world.Node.Rooms.Single().OutboxIfAny!.Count == 0);
        broker.Announces = true;
        await ann.SendAsync("2");

        await bob.ReceivesAsync("1", "2");
        await Bounded.Eventually(() => listener.Received.Count >= 2);
        Assert.DoesNotContain(listener.Received, static received => received.EndsWith(":1", StringComparison.Ordinal) && char.IsDigit(received[0]));
    }

    [Fact]
    public async Task Stored_WithoutHistory_BeforeTheFirstMember_WhileTheBrokerIsUnavailable_IsReceivedOnce()
    {
        TaskCompletionSource<StreamPosition> answer = new();
        Publication? taken = null;
        ScriptedBroker broker = new() { OnPublish = (_, publication) => { taken = publication; return new(answer.Task); } };
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Task<StreamPosition> publishing = world.PublishAsync("a", "1");
        Member bob = await world.JoinAsync("a");
        broker.SetHealth(BrokerHealth.Degraded);

        answer.SetResult(default);
        await publishing;
        broker.Sink.OnPublication("a", taken!, ""); // its link for announcements stands
        broker.Take("a", "2", keep: false);

        await bob.ReceivesAsync("1", "2");
    }

    [Fact]
    public async Task Unanswered_WithoutHistory_AndALaterOneAnnounced_IsNotGivenAfterIt()
    {
        TaskCompletionSource<StreamPosition> answer = new();
        ScriptedBroker broker = new() { OnPublish = (_, _) => new(answer.Task) };
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Member ann = await world.JoinAsync("a");
        Listener listener = await SubscribeAsync(world, "a");
        broker.SetHealth(BrokerHealth.Degraded); // the link for announcements broke: that of 1 was lost
        Task first = world.PublishAsync("a", "1");
        broker.OnPublish = null; // and is back
        await world.PublishAsync("a", "2");
        await ann.ReceivesAsync("2");

        answer.SetResult(default);
        await first.Within();
        broker.SetHealth(BrokerHealth.Up);
        await world.PublishAsync("a", "3");

        await ann.ReceivesAsync("2", "3"); // without history, a message whose announcement is lost is lost
        await listener.ReceivesAsync("not recovered :0", "0:2", "0:3");
    }

    [Fact]
    public async Task Unanswered_WithHistory_AndALaterOneAnnounced_IsNotStored_AndGivenBeforeIt()
    {
        TaskCompletionSource<StreamPosition> answer = new();
        ScriptedBroker broker = new() { OnPublish = (_, _) => new(answer.Task) };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");
        Listener listener = await SubscribeAsync(world, "a");
        await ann.SendAsync("1");
        Task<StreamPosition> second = world.PublishAsync("a", "2");
        broker.OnPublish = null; // it stores again, and the announcement overtakes the two answers
        await ann.SendAsync("3");
        await Bounded.Eventually(() => bob.Received.Contains("3"));
        answer.SetException(new BrokerUnavailableException("READONLY", isUnknown: false));
        await Assert.ThrowsAsync<BrokerUnavailableException>(() => second.Within());
        await ann.SendAsync("4");

        await bob.ReceivesAsync("1", "3", "4");
        await listener.ReceivesAsync("not recovered e1:0", "0:1", "1:3", "3:4"); // an offset is skipped for 1
    }

    [Fact]
    public async Task MaybeStored_WithHistory_ThatDoesNotReachBack_IsNotGivenToListenersAfterTheLoss()
    {
        ScriptedBroker broker = new() { Announces = false };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");
        Listener listener = await SubscribeAsync(world, "a");
        broker.OnPublish = (room, publication) => { broker.Take(room, publication); return Failed(isUnknown: true); };
        await ann.SendAsync("1");
        await ann.SendAsync("2");
        broker.Take("a", "3");
        broker.OnReadHistory = (room, query) => Task.FromResult(broker.Read(room, query, from: 3));
        int before = broker.Calls.Count;
        await MaintainUntilAsync(world, () => broker.Calls.Count > before);

        await bob.ReceivesAsync("1", "2", "3");
        await listener.ReceivesAsync("not recovered e1:0", "lost Trimmed e1:2", "3:3");
    }

    [Fact]
    public async Task Join_WhileTheBrokerIsUnavailableAndTheRoomIsBeingLeft_IsGivenEachOnce()
    {
        TaskCompletionSource unsubscribed = new();
        ScriptedBroker broker = new() { OnUnsubscribe = _ => unsubscribed.Task };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        (await world.JoinAsync("a")).Leave();
        await broker.HasCalledAsync("unsubscribe a");
        broker.SetHealth(BrokerHealth.Degraded);
        Member ann = await world.JoinAsync("a"); // does not wait
        broker.Announces = false; // their announcements are slow
        broker.Take("a", "1");
        broker.Take("a", "2");
        broker.SetHealth(BrokerHealth.Up); // a check reads both
        await ann.ReceivesAsync("1", "2");

        TaskCompletionSource<RoomHistory> top = new();
        broker.OnReadHistory = (_, _) => top.Task;
        unsubscribed.SetResult();
        await broker.HasCalledAsync("subscribe a", times: 2);
        foreach (Publication late in broker.Read("a", new HistoryQuery(Since: null, Limit: -1)).Publications)
        {
            broker.Sink.OnPublication("a", late, broker.Epoch);
        }

        broker.OnReadHistory = null;
        top.SetResult(broker.Read("a", new HistoryQuery(Since: null, Limit: 0)));
        broker.Announces = true;
        broker.Take("a", "3");

        await ann.ReceivesAsync("1", "2", "3");
    }

    [Fact]
    public async Task DifferentRules_WithoutHistoryHere_WhatAnotherNodeHasNumbered_IsReceivedAtOnce_WithoutAnOffset()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Member ann = await world.JoinAsync("a");
        Listener listener = await SubscribeAsync(world, "a");

        broker.Take("a", "1", keep: true);
        broker.Take("a", "2", keep: true);

        await ann.ReceivesAsync("1", "2");
        await listener.ReceivesAsync("not recovered :0", "0:1", "0:2");
        Assert.DoesNotContain("read a", broker.Calls);
    }

    [Fact]
    public async Task MaybeStored_WithoutHistory_AndALaterOneAnnouncedWithoutIt_IsNotReceived()
    {
        ScriptedBroker broker = new() { OnPublish = static (_, _) => Failed(isUnknown: true) };
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Member ann = await world.JoinAsync("a");
        await Assert.ThrowsAsync<BrokerUnavailableException>(() => world.PublishAsync("a", "1"));
        broker.OnPublish = null;

        await world.PublishAsync("a", "2");

        await ann.ReceivesAsync("2");
    }

    [Fact]
    public async Task MaybeStored_WithHistory_AReadThatDoesNotReachTheTop_DoesNotProveThatItIsNotStored()
    {
        ScriptedBroker broker = new() { Announces = false };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        broker.OnReadHistory = static (_, _) => throw new BrokerUnavailableException("hangs", isUnknown: true);
        Member ann = await world.JoinAsync("a"); // the room's position is not known
        Member bob = await world.JoinAsync("a");
        broker.OnPublish = (room, publication) => { broker.Take(room, publication); return Failed(isUnknown: true); };
        await ann.SendAsync("1");
        await ann.SendAsync("2");
        await bob.ReceivesAsync("1", "2");
        TaskCompletionSource<RoomHistory> top = new();
        TaskCompletionSource<RoomHistory> all = new();
        broker.OnReadHistory = (_, query) => query.Limit == 0 ? top.Task : all.Task;
        int before = Reads();
        await MaintainUntilAsync(world, () => Reads() >= before + 2); // the room's, and its link's

        // It continues: both are stored, and the announcement of one has come.
        broker.Sink.OnPublication("a", broker.Read("a", new HistoryQuery(Since: null, Limit: -1)).Publications[0], broker.Epoch);
        top.SetResult(broker.Read("a", new HistoryQuery(Since: null, Limit: 0)));
        await Bounded.Eventually(() => Reads() >= before + 3);
        Listener listener = await SubscribeAsync(world, "a");
        all.SetResult(broker.Read("a", new HistoryQuery(new StreamPosition(broker.Epoch, 1), Limit: -1)));

        await listener.ReceivesAsync("not recovered e1:1", "2:2");
        Assert.Equal(["1", "2"], bob.Received);

        int Reads() => broker.Calls.Count(static call => call == "read a");
    }

    [Fact]
    public async Task MaybeStored_WithHistory_ListenersGetItWithItsNumberIfItIsThere()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");
        Listener listener = await SubscribeAsync(world, "a");
        broker.Announces = false;
        broker.OnPublish = (room, publication) => { broker.Take(room, publication); return Failed(isUnknown: true); };

        await ann.SendAsync("x");
        await bob.ReceivesAsync("x"); // at once
        await MaintainUntilAsync(world, () => listener.Received.Count == 2); // when it is known

        await listener.ReceivesAsync("not recovered e1:0", "1:x");
        Assert.Equal(["x"], bob.Received);
        Assert.Empty(ann.Received);
    }

    [Fact]
    public async Task MaybeStored_WithHistory_ListenersGetItWithoutNumberIfItIsNotThere()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept);
        Member ann = await world.JoinAsync("a");
        Listener listener = await SubscribeAsync(world, "a");
        broker.OnPublish = (_, _) => Failed(isUnknown: true);
        await ann.SendAsync("x");

        await MaintainUntilAsync(world, () => listener.Received.Count == 2);
        broker.OnPublish = null;
        await ann.SendAsync("y");

        await listener.ReceivesAsync("not recovered e1:0", "0:x", "2:y"); // 1 is left out: a listener that was away finds the gap
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task NotStored_WhereDurable_FailsAndReachesNoMember(bool isUnknown)
    {
        ScriptedBroker broker = new() { OnPublish = (_, _) => Failed(isUnknown) };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, _kept with { Durable = true });
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");

        await ann.SendAsync("x");
        BrokerUnavailableException error = await Assert.ThrowsAsync<BrokerUnavailableException>(() => world.PublishAsync("a", "y"));

        await ann.ReceivesAsync("close 1013 not stored");
        Assert.Equal(isUnknown, error.IsUnknown);
        broker.OnPublish = null;
        await world.PublishAsync("a", "z");
        await bob.ReceivesAsync("z");
    }

    [Fact]
    public async Task BrokerUnavailable_WhatWaitsForItsAnnouncement_IsReceivedHere_AndNotAgain()
    {
        List<Publication> taken = [];
        ScriptedBroker broker =
            new() { OnPublish = (_, publication) => { taken.Add(publication); return new(new StreamPosition("", 0)); } };
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");
        await ann.SendAsync("taken before, not announced");

        broker.SetHealth(BrokerHealth.Degraded);
        await bob.ReceivesAsync("taken before, not announced");
        await ann.SendAsync("while it is away");
        await bob.ReceivesAsync("taken before, not announced", "while it is away");
        broker.SetHealth(BrokerHealth.Up);
        taken.ForEach(publication => broker.Sink.OnPublication("a", publication, ""));
        broker.Take("a", "after", keep: false);

        await bob.ReceivesAsync("taken before, not announced", "while it is away", "after");
        await ann.ReceivesAsync("after");
    }

    [Fact]
    public async Task NotStored_DoesNotOvertakeWhatIsStillInFlight()
    {
        TaskCompletionSource<StreamPosition> first = new();
        Publication? taken = null;
        ScriptedBroker broker = new();
        broker.OnPublish = (_, publication) =>
        {
            if (taken is null)
            {
                taken = publication;
                return new(first.Task);
            }

            return Failed(isUnknown: false);
        };
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Member ann = await world.JoinAsync("a");
        Member bob = await world.JoinAsync("a");

        await ann.SendAsync("1");
        await ann.SendAsync("2");
        await bob.ReceivesAsync("1", "2");
        first.SetResult(default);
        broker.Sink.OnPublication("a", taken!, "");
        broker.Take("a", "3", keep: false);

        await bob.ReceivesAsync("1", "2", "3");
    }

    [Fact]
    public async Task BrokerThatDoesNotAnswer_HoldsOnlyItsPublishersAndOnlyForAMoment()
    {
        ScriptedBroker broker = new()
        {
            OnPublish = (room, publication) => room == "slow"
            ? new(new TaskCompletionSource<StreamPosition>().Task) : new(default(StreamPosition))
        };
        RelayOptions options = new() { MaxPublishesInFlight = 5, MaxPublishesInFlightPerRoom = 3 };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, options);
        Member ann = await world.JoinAsync("slow");
        Member bob = await world.JoinAsync("slow");
        Member other = await world.JoinAsync("other");
        for (int i = 0; i < 3; i++)
        {
            Assert.True(ann.SendAsync($"{i}").IsCompletedSuccessfully); // not waited for
        }

        Task fourth = ann.SendAsync("3");
        Assert.False(fourth.IsCompleted); // back-pressure
        Assert.True(other.SendAsync("x").IsCompletedSuccessfully); // a room that takes all it may leaves places to others
        await Bounded.Eventually(() =>
        {
            world.Time.Pass(options.BrokerTimeout);
            return fourth.IsCompleted;
        });

        await fourth.Within();
        await bob.ReceivesAsync("0", "1", "2", "3"); // as if the broker were unavailable, in their order
    }

    [Fact]
    public async Task PublishPermits_AreReturned()
    {
        Queue<TaskCompletionSource<StreamPosition>> open = new();
        ScriptedBroker broker = new();
        broker.OnPublish = (_, _) =>
        {
            TaskCompletionSource<StreamPosition> call = new(TaskCreationOptions.RunContinuationsAsynchronously);
            open.Enqueue(call);
            return new(call.Task);
        };
        await using RelayWorld world =
            await RelayWorld.StartAsync(broker, new RelayOptions { MaxPublishesInFlight = 2, MaxPublishesInFlightPerRoom = 2 });
        Member ann = await world.JoinAsync("a");
        await ann.SendAsync("0");
        await ann.SendAsync("1");
        for (int i = 2; i < 50; i++)
        {
            Task waiting = ann.SendAsync($"{i}");
            if (i % 2 == 0)
            {
                open.Dequeue().SetResult(default);
            }
            else
            {
                open.Dequeue().SetException(new BrokerUnavailableException("away", isUnknown: false));
            }

            await waiting.Within();
        }

        Assert.Equal(2, open.Count);
    }

    [Fact]
    public async Task PublishesWithAResultInTime_AreCountedByIt()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Member ann = await world.JoinAsync("a");
        await ann.SendAsync("x");
        broker.OnPublish = (_, _) => Failed(isUnknown: true);
        await ann.SendAsync("y");

        Assert.Equal(1, world.Metrics.Sum("weir.relay.publishes", ("weir.outcome", "stored")));
        Assert.Equal(1, world.Metrics.Sum("weir.relay.publishes", ("weir.outcome", "unknown")));
    }

    [Fact]
    public async Task Join_WhileTheBrokerDoesNotAnswer_TakesNoLongerThanTheTimeout()
    {
        ScriptedBroker broker = new() { OnSubscribe = static _ => new TaskCompletionSource().Task };
        RelayOptions options = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, options);
        WeirConnection connection = world.NewConnection(new StallingPipeWriter());

        Task<LocalRoom?> joining = world.Node.JoinAsync("a", connection).AsTask();
        Assert.False(joining.IsCompleted);
        world.Time.Pass(options.BrokerTimeout);

        Assert.NotNull(await joining.Within());
        broker.SetHealth(BrokerHealth.Degraded);
        Assert.True(world.Node.JoinAsync("b", connection).AsTask().IsCompletedSuccessfully); // known to be unavailable: not waited for
    }

    [Fact]
    public async Task Join_WhileTheProcessIsPaused_WaitsForTheAnswerThatHasArrived()
    {
        TaskCompletionSource confirmed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ScriptedBroker broker = new() { OnSubscribe = _ => confirmed.Task };
        RelayOptions options = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, options);
        Task<LocalRoom?> joining = world.Node.JoinAsync("a", world.NewConnection(new StallingPipeWriter())).AsTask();
        world.Time.Pass(options.BrokerTimeout * 0.99);

        world.Time.Advance(TimeSpan.FromHours(1));
        Assert.False(joining.IsCompleted);
        confirmed.SetResult();

        Assert.NotNull(await joining.Within());
    }

    [Fact]
    public async Task Publish_WhileTheProcessIsPaused_WaitsForThePermitOfAnAnswerThatHasArrived()
    {
        TaskCompletionSource<StreamPosition> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ScriptedBroker broker = new();
        RelayOptions options = new() { MaxPublishesInFlight = 1, MaxPublishesInFlightPerRoom = 1 };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, options);
        broker.OnPublish = (_, _) => new(answer.Task);
        Task<StreamPosition> first = world.Node.PublishAsync("a", "1".ToPublication()).AsTask();
        Task<StreamPosition> second = world.Node.PublishAsync("a", "2".ToPublication()).AsTask();
        world.Time.Pass(options.BrokerTimeout * 0.99);

        world.Time.Advance(TimeSpan.FromHours(1));
        Assert.False(second.IsCompleted);
        answer.SetResult(default);

        await first.Within();
        await second.Within();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    public async Task Join_BeforeTheRoomIsSubscribedTo_ReceivesNothing_ThenAll(int historySize)
    {
        TaskCompletionSource mayJoin = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ScriptedBroker broker = new() { OnSubscribe = _ => mayJoin.Task };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, new RoomRule { HistorySize = historySize });
        StallingPipeWriter received = new();
        WeirConnection connection = world.NewConnection(received);
        Task<LocalRoom?> joining = world.Node.JoinAsync("a", connection).AsTask();
        await Bounded.Eventually(() => broker.Calls.Contains("subscribe a"));
        broker.Announces = false; // not to this node: the room is not subscribed to yet
        broker.Take("a", "before", keep: historySize > 0);
        broker.Announces = true;

        Assert.False(world.Node.Members.TryGet("a", out _)); // it does not receive messages of this node's others either
        mayJoin.SetResult();
        Member member = new(world.Node, (await joining.Within())!, connection, received);
        broker.Take("a", "after", keep: historySize > 0);

        await member.ReceivesAsync("after");
    }

    [Theory]
    [InlineData("")]
    [InlineData("$weir:nodes")]
    public async Task NamesNotAllowed_AreRefused(string name)
    {
        await using RelayWorld world = await RelayWorld.StartAsync(new MemoryBroker());

        await Assert.ThrowsAsync<ArgumentException>(() => world.JoinAsync(name));
        await Assert.ThrowsAsync<ArgumentException>(() => world.PublishAsync(name, "x"));
        Assert.Empty(world.Node.Rooms);
    }

    internal static async Task<Listener> SubscribeAsync(RelayWorld world, string room, StreamPosition? from = null)
    {
        Listener listener = new();
        await world.Node.SubscribeAsync(room, _audiences, listener, from, CancellationToken.None).Within();
        return listener;
    }

    internal static Task MaintainUntilAsync(RelayWorld world, Func<bool> condition) => Bounded.Eventually(() =>
    {
        world.RunMaintenance();
        return condition();
    });

    private static readonly NotingAudiences _audiences = new();

    private static ValueTask<StreamPosition> Failed(bool isUnknown)
        => ValueTask.FromException<StreamPosition>(new BrokerUnavailableException("away", isUnknown));

    private static async Task<Member> JoinSinkAsync(RelayWorld world)
    {
        WeirConnection connection = world.NewConnection(new NowhereWriter());
        return new Member(world.Node, (await world.Node.JoinAsync("a", connection))!, connection, new StallingPipeWriter());
    }
}
