using System.Globalization;
using System.Text;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Redis.Tests;

/// <summary>Several nodes on one Redis.</summary>
public sealed class NodesTests(SharedRedis redis)
{
    private readonly string _room = "nodes:" + Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Publish_IsReceivedByAllNodes_AndRecognizedByItsPublisher()
    {
        await using Node one = await StartAsync();
        await using Node two = await StartAsync();
        await one.SubscribeAsync(_room);
        await two.SubscribeAsync(_room);

        await one.Broker.PublishAsync(_room, "hello".ToPublication(one.Sink.NodeId, 17), Node.Kept, default).Within();
        await one.Sink.WaitForAsync(_room, 1);
        await two.Sink.WaitForAsync(_room, 1);

        foreach (Node node in (Node[])[one, two])
        {
            Publication received = node.Sink.PublicationsOf(_room)[0].Publication;
            Assert.Equal((one.Sink.NodeId, 17L, "hello"), (received.Node, received.NodeSequence, received.Text()));
        }
    }

    [Fact]
    public async Task Publish_FromTwoNodesAtOnce_IsInOneOrderOnBoth()
    {
        await using Node one = await StartAsync();
        await using Node two = await StartAsync();
        await one.SubscribeAsync(_room);
        await two.SubscribeAsync(_room);

        await Task.WhenAll(((Node[])[one, two]).SelectMany(node =>
            Enumerable.Range(0, 2000).Select(i => node.Broker.PublishAsync(
                _room, i.ToString(CultureInfo.InvariantCulture).ToPublication(node.Sink.NodeId), Node.Kept, default).AsTask()))).Within();
        await one.Sink.WaitForAsync(_room, 4000);
        await two.Sink.WaitForAsync(_room, 4000);

        Assert.Equal(Enumerable.Range(1, 4000).Select(static i => (long)i), one.Sink.PublicationsOf(_room)
            .Select(static each => each.Publication.Offset));
        Assert.Equal(one.Sink.TextsOf(_room), two.Sink.TextsOf(_room));
    }

    [Fact]
    public async Task Announcements_OfManyRoomsUnderLoad_KeepTheOrderOfEach()
    {
        const int Rooms = 2000;
        const int Each = 20;
        await using Node one = await StartAsync(static options => options.MaxPending = Rooms * Each);
        await using Node two = await StartAsync();
        await Task.WhenAll(Enumerable.Range(0, Rooms).Select(room => two.SubscribeAsync($"{_room}:{room}")));

        await Task.WhenAll(Enumerable.Range(0, Rooms * Each).Select(i => one.Broker.PublishAsync(
            $"{_room}:{i % Rooms}",
            (i / Rooms).ToString(CultureInfo.InvariantCulture).ToPublication(),
            i % 2 == 0 ? Node.Kept : RoomRule.Default,
            default).AsTask())).Within(TimeSpan.FromSeconds(30));
        await Bounded.Eventually(() => two.Sink.Count == Rooms * Each);

        string[] expected = [.. Enumerable.Range(0, Each).Select(static i => i.ToString(CultureInfo.InvariantCulture))];
        ILookup<string, string> received = two.Sink.TextsByRoom();
        Assert.All(Enumerable.Range(0, Rooms), room => Assert.Equal(expected, received[$"{_room}:{room}"]));
    }

    [Fact]
    public async Task SubscribeUnsubscribe_InAStormOnTheSameRooms_EndAsTheLastCallRequires()
    {
        await using Node one = await StartAsync();
        await using Node two = await StartAsync();
        // Join, leave and join again before any answer has come; half of the rooms end in a leave.
        List<Task> calls = [];
        for (int i = 0; i < 200; i++)
        {
            string room = $"{_room}:{i}";
            for (int turn = 0; turn < 5; turn++)
            {
                calls.Add(two.Broker.SubscribeAsync(room, default).AsTask());
                calls.Add(two.Broker.UnsubscribeAsync(room, default).AsTask());
            }

            if (i % 2 == 0)
            {
                calls.Add(two.Broker.SubscribeAsync(room, default).AsTask());
            }
        }

        await Task.WhenAll(calls).Within();
        for (int i = 0; i < 200; i++)
        {
            await one.PublishAsync($"{_room}:{i}", "x", RoomRule.Default);
        }

        // The last of all is received after all others.
        await two.SubscribeAsync(_room);
        await one.PublishAsync(_room, "end");
        await two.Sink.WaitForAsync(_room, 1);
        ILookup<string, string> received = two.Sink.TextsByRoom();
        Assert.All(Enumerable.Range(0, 200), i => Assert.Equal(i % 2 == 0 ? 1 : 0, received[$"{_room}:{i}"].Count()));
    }

    [Fact]
    public async Task Control_GoesToOneNode_OrToAllOthers()
    {
        await using Node one = await StartAsync(static options => options.KeyPrefix = "control:");
        await using Node two = await StartAsync(static options => options.KeyPrefix = "control:");
        await using Node three = await StartAsync(static options => options.KeyPrefix = "control:");

        await one.Broker.SendControlAsync(two.Sink.NodeId, Encoding.UTF8.GetBytes("to two"), default).Within();
        await one.Broker.SendControlAsync(null, Encoding.UTF8.GetBytes("to all"), default).Within();
        await two.Broker.SendControlAsync(one.Sink.NodeId, Encoding.UTF8.GetBytes("back"), default).Within();

        await Bounded.Eventually(() => one.Sink.Controls.Count + two.Sink.Controls.Count + three.Sink.Controls.Count >= 4);
        Assert.Equal(["back"], one.Sink.Controls);
        Assert.Equal(["to two", "to all"], two.Sink.Controls);
        Assert.Equal(["to all"], three.Sink.Controls);
    }

    [Fact]
    public async Task Control_ToANodeWithoutALink_FailsInsteadOfBeingLost()
    {
        await using Node one = await StartAsync(static options => options.KeyPrefix = "away:");
        Node two = await StartAsync(static options => options.KeyPrefix = "away:");
        await one.Broker.SendControlAsync(two.Sink.NodeId, new byte[] { 1 }, default).Within();
        await two.DisposeAsync();

        BrokerUnavailableException refused = await Assert.ThrowsAsync<BrokerUnavailableException>(
            () => one.Broker.SendControlAsync(two.Sink.NodeId, new byte[] { 1 }, default).AsTask()).Within();

        Assert.False(refused.IsUnknown);
        Assert.Contains(two.Sink.NodeId, refused.Message);
    }

    [Fact]
    public async Task Presence_OfANodeThatHasEnded_EndsAndIsAnnouncedToTheOthers()
    {
        await using Node one = await StartAsync();
        Node two = await StartAsync();
        await one.SubscribeAsync(_room);
        await two.Broker.SetPresenceAsync(_room, new RoomMember("gone", "g", default, default), TimeSpan.FromMilliseconds(200), default)
            .Within();
        await two.DisposeAsync();

        await Waiting.PassAsync(redis.Server, TimeSpan.FromMilliseconds(250));
        IReadOnlyList<RoomMember> present = await one.Broker.ReadPresenceAsync(_room, default).Within();

        Assert.Empty(present);
        await Bounded.Eventually(() => one.Sink.PresenceOf(_room).Count >= 2);
        Assert.Equal(["+gone", "-gone"], one.Sink.PresenceOf(_room));
    }

    [Theory]
    [InlineData("}")]
    [InlineData("}{a}")]
    [InlineData("{b}")]
    [InlineData("späße ☃ \n")]
    public async Task RoomNames_OfAnyKind_Work(string name)
    {
        await using Node node = await StartAsync();
        string room = name + _room;
        await node.SubscribeAsync(room);

        StreamPosition position = await node.PublishAsync(room, "x");
        await node.Sink.WaitForAsync(room, 1);

        Assert.Equal(position, (await node.ReadAsync(room)).Top);
    }

    [Fact]
    public async Task Announcement_OfAnotherVersion_IsPassedOver()
    {
        await using Node node = await StartAsync();
        await node.SubscribeAsync(_room);

        await redis.Server.AskAsync($"PUBLISH weir:{{room:{_room}}} \"\\x02\\x01new\"");
        await redis.Server.AskAsync($"PUBLISH weir:{{room:{_room}}} \"\\x01\\x011:e:\"");
        await redis.Server.AskAsync($"PUBLISH weir:{{room:{_room}}} x");
        await node.PublishAsync(_room, "known");
        await node.Sink.WaitForAsync(_room, 1);

        Assert.Equal(["known"], node.Sink.TextsOf(_room));
    }

    // No call fails here, so a busy machine may be slow.
    private Task<Node> StartAsync(Action<RedisOptions>? configure = null) => Node.StartAsync(redis.Server.Address, options =>
    {
        options.RequestTimeout = options.ProbeTimeout = options.ConnectTimeout = TimeSpan.FromSeconds(30);
        configure?.Invoke(options);
    });
}
