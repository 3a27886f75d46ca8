using System.Globalization;
using System.Text;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Postgres.Tests;

/// <summary>Several nodes on one database.</summary>
public sealed class NodesTests(SharedPostgres postgres)
{
    private readonly string _room = "nodes:" + Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Publish_IsAnnouncedToAllNodes_AndRecognizedByItsPublisher()
    {
        await using Node one = await StartAsync();
        await using Node two = await StartAsync();
        await one.SubscribeAsync(_room);
        await two.SubscribeAsync(_room);

        await one.Broker.PublishAsync(_room, "hello".ToPublication(one.Sink.NodeId, 17), Node.Kept, default).AsTask().Within();
        await one.Sink.WaitForAsync(_room, 1);
        await two.Sink.WaitForAsync(_room, 1);

        foreach (Node node in (Node[])[one, two])
        {
            Publication announced = node.Sink.PublicationsOf(_room)[0].Publication;
            Assert.Equal((one.Sink.NodeId, 17L, "hello"), (announced.Node, announced.NodeSequence, announced.Text()));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Publish_FromThreeNodesAtOnce_IsInOneOrderOnAll(bool keepsHistory)
    {
        RoomRule rule = keepsHistory ? Node.Kept : RoomRule.Default;
        await using Node one = await StartAsync();
        await using Node two = await StartAsync();
        await using Node three = await StartAsync();
        Node[] nodes = [one, two, three];
        foreach (Node node in nodes)
        {
            await node.SubscribeAsync(_room);
        }

        await Task.WhenAll(nodes.SelectMany(node =>
            Enumerable.Range(0, 2000).Select(i => node.Broker.PublishAsync(
                _room, $"{node.Sink.NodeId} {i}".ToPublication(node.Sink.NodeId), rule, default).AsTask())))
            .Within(TimeSpan.FromSeconds(60));
        foreach (Node node in nodes)
        {
            await Bounded.Eventually(() => node.Sink.Count == 6000, TimeSpan.FromSeconds(30));
            Assert.Equal(one.Sink.TextsOf(_room), node.Sink.TextsOf(_room));
        }

        IEnumerable<long> offsets = one.Sink.PublicationsOf(_room).Select(static each => each.Publication.Offset);
        Assert.Equal(Enumerable.Range(1, 6000).Select(i => keepsHistory ? i : 0L), offsets);
        foreach (Node node in nodes)
        {
            // Of one node: the order of its calls.
            Assert.Equal(
                Enumerable.Range(0, 2000).Select(i => $"{node.Sink.NodeId} {i}"),
                one.Sink.TextsOf(_room).Where(text => text.StartsWith(node.Sink.NodeId, StringComparison.Ordinal)));
        }
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
            i % Rooms % 2 == 0 ? Node.Kept : RoomRule.Default,
            default).AsTask())).Within(TimeSpan.FromSeconds(60));
        await Bounded.Eventually(() => two.Sink.Count == Rooms * Each, TimeSpan.FromSeconds(30));

        string[] expected = [.. Enumerable.Range(0, Each).Select(static i => i.ToString(CultureInfo.InvariantCulture))];
        ILookup<string, string> announced = two.Sink.TextsByRoom();
        Assert.All(Enumerable.Range(0, Rooms), room => Assert.Equal(expected, announced[$"{_room}:{room}"]));
    }

    [Fact]
    public async Task Control_GoesToOneNode_OrToAllOthers()
    {
        string database = await postgres.CreateDatabaseAsync();
        await using Node one = await StartAsync(database: database);
        await using Node two = await StartAsync(database: database);
        await using Node three = await StartAsync(database: database);

        await SendAsync(one, two.Sink.NodeId, "to two");
        await SendAsync(one, null, "to all");
        await SendAsync(two, one.Sink.NodeId, "back");

        await Bounded.Eventually(() => one.Sink.Controls.Count + two.Sink.Controls.Count + three.Sink.Controls.Count >= 4);
        Assert.Equal(["back"], one.Sink.Controls);
        Assert.Equal(["to two", "to all"], two.Sink.Controls);
        Assert.Equal(["to all"], three.Sink.Controls);
    }

    [Fact]
    public async Task Control_ToANodeThatIsNotConnected_Fails()
    {
        await using Node one = await StartAsync();
        Node two = await StartAsync();
        await two.DisposeAsync();

        await Waiting.UntilAsync(
            async () =>
            {
                try
                {
                    await SendAsync(one, two.Sink.NodeId, "lost");
                    return false; // its session is just ending
                }
                catch (BrokerUnavailableException error)
                {
                    return !error.IsUnknown;
                }
            },
            "the other node is known to be gone");
    }

    [Fact]
    public async Task Presence_OfANodeThatIsGone_EndsAndIsAnnouncedWithoutARead()
    {
        await using Node one = await StartAsync();
        Node two = await StartAsync();
        await one.SubscribeAsync(_room);
        await two.Broker.SetPresenceAsync(_room, new RoomMember("gone", "g", default, default), TimeSpan.FromMilliseconds(200), default)
            .AsTask().Within();
        await two.DisposeAsync();

        await Bounded.Eventually(() => one.Sink.PresenceOf(_room).Count >= 2, TimeSpan.FromSeconds(30));

        Assert.Equal(["+gone", "-gone"], one.Sink.PresenceOf(_room));
        Assert.Empty(await one.Broker.ReadPresenceAsync(_room, default).AsTask().Within());
    }

    [Theory]
    [InlineData("'; DROP SCHEMA weir CASCADE; --")]
    [InlineData("späße ☃ \n\0")]
    [InlineData("{a,\"b\"}\\x00")]
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
        string database = await postgres.CreateDatabaseAsync();
        await using Node node = await StartAsync(database: database);
        await node.SubscribeAsync("room");

        await postgres.Server.AskAsync("SELECT weir.announce_plain('', '{room}', '{1,1,1}', '{\"\\\\xff\",\"\\\\x0109\",\"\"}')", database);
        await postgres.Server.AskAsync("SELECT pg_notify('weir', 'x:y:z'), pg_notify('weir', '9:9:9'), pg_notify('weir', '')", database);
        await node.PublishAsync("room", "known");
        await node.Sink.WaitForAsync("room", 1);

        Assert.Equal(["known"], node.Sink.TextsOf("room"));
        Assert.NotEmpty(node.Log.Of("AnnouncementUnreadable")); // one line a second
        Assert.Equal([BrokerHealth.Up], node.Sink.Health);
    }

    [Fact]
    public async Task NotificationThatIsLost_IsMadeUpForByTheInterval()
    {
        string database = await postgres.CreateDatabaseAsync();
        await using Node node = await StartAsync(static options => options.ProbeInterval = TimeSpan.FromMilliseconds(100), database);
        await node.SubscribeAsync("room");

        // Announced without a notification, as by a node that ends in between.
        await postgres.Server.AskAsync("SELECT weir.announce(1::smallint, '', '{room}', NULL, NULL, '{1}', NULL, '{\"\\\\x01010041\"}')", database);

        await node.Sink.WaitForAsync("room", 1);
    }

    private static Task SendAsync(Node from, string? to, string text)
        => from.Broker.SendControlAsync(to, Encoding.UTF8.GetBytes(text), default).AsTask().Within();

    // Nothing here fails: a machine that is busy with other things may take its time.
    private Task<Node> StartAsync(Action<PostgresOptions>? configure = null, string database = "postgres")
        => Node.StartAsync(postgres.Server.ConnectionStringOf(database), options =>
        {
            options.RequestTimeout = options.ProbeTimeout = options.ConnectTimeout = TimeSpan.FromSeconds(30);
            configure?.Invoke(options);
        });
}
