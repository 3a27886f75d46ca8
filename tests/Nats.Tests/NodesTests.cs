using System.Globalization;
using System.Text;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Nats.Tests;

/// <summary>Several nodes on one nats-server.</summary>
public sealed class NodesTests(SharedNats nats)
{
    private readonly string _room = "nodes:" + Guid.NewGuid().ToString("N");

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    public async Task Publish_IsAnnouncedToAllNodes_AndRecognizedByItsPublisher(int historySize)
    {
        await using Node one = await StartAsync();
        await using Node two = await StartAsync();
        await one.SubscribeAsync(_room);
        await two.SubscribeAsync(_room);

        await one.Broker.PublishAsync(
            _room, "hello".ToPublication(one.Sink.NodeId, 17), Node.Kept with { HistorySize = historySize }, default).Within();
        await one.Sink.WaitForAsync(_room, 1);
        await two.Sink.WaitForAsync(_room, 1);

        foreach (Node node in (Node[])[one, two])
        {
            Publication announced = node.Sink.PublicationsOf(_room)[0].Publication;
            Assert.Equal((one.Sink.NodeId, 17L, "hello"), (announced.Node, announced.NodeSequence, announced.Text()));
        }
    }

    [Fact]
    public async Task Publish_FromThreeNodesAtOnce_IsInOneOrderOnAll_AndInThatOfTheCallsOfEach()
    {
        const int Each = 1000;
        await using Node one = await StartAsync();
        await using Node two = await StartAsync();
        await using Node three = await StartAsync();
        Node[] all = [one, two, three];
        foreach (Node node in all)
        {
            await node.SubscribeAsync(_room);
        }

        await Task.WhenAll(all.SelectMany(node =>
            Enumerable.Range(0, Each).Select(i => node.Broker.PublishAsync(
                _room, i.ToString(CultureInfo.InvariantCulture).ToPublication(node.Sink.NodeId), Node.Kept, default).AsTask()))).Within();
        foreach (Node node in all)
        {
            await node.Sink.WaitForAsync(_room, 3 * Each);
        }

        Assert.Equal(
            Enumerable.Range(1, 3 * Each).Select(static i => (long)i),
            one.Sink.PublicationsOf(_room).Select(static each => each.Publication.Offset));
        Assert.Equal(one.Sink.TextsOf(_room), two.Sink.TextsOf(_room));
        Assert.Equal(one.Sink.TextsOf(_room), three.Sink.TextsOf(_room));
        Assert.All(all, node => Assert.Equal(
            Enumerable.Range(0, Each).Select(static i => i.ToString(CultureInfo.InvariantCulture)),
            one.Sink.PublicationsOf(_room).Where(each => each.Publication.Node == node.Sink.NodeId)
                .Select(static each => each.Publication.Text())));
        Assert.Single(one.Sink.PublicationsOf(_room).Select(static each => each.Epoch).Distinct());
    }

    [Fact]
    public async Task Announcements_OfManyRoomsUnderLoad_KeepTheOrderOfEach()
    {
        const int Rooms = 1000;
        const int Each = 20;
        await using Node one = await StartAsync(static options => options.MaxPending = Rooms * Each);
        await using Node two = await StartAsync();
        await Task.WhenAll(Enumerable.Range(0, Rooms).Select(room => two.SubscribeAsync($"{_room}:{room}")));

        await Task.WhenAll(Enumerable.Range(0, Rooms * Each).Select(i => one.Broker.PublishAsync(
            $"{_room}:{i % Rooms}",
            (i / Rooms).ToString(CultureInfo.InvariantCulture).ToPublication(),
            i % 2 == 0 ? Node.Kept : RoomRule.Default,
            default).AsTask())).Within();
        await Bounded.Eventually(() => two.Sink.Count == Rooms * Each);

        string[] expected = [.. Enumerable.Range(0, Each).Select(static i => i.ToString(CultureInfo.InvariantCulture))];
        ILookup<string, string> announced = two.Sink.TextsByRoom();
        Assert.All(Enumerable.Range(0, Rooms), room => Assert.Equal(expected, announced[$"{_room}:{room}"]));
    }

    [Fact]
    public async Task SubscribeUnsubscribe_InAStormOnTheSameRooms_EndAsTheLastCallSays()
    {
        await using Node one = await StartAsync();
        await using Node two = await StartAsync();
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
        await two.SubscribeAsync(_room);
        for (int i = 0; i < 200; i++)
        {
            await one.PublishAsync($"{_room}:{i}", "x", RoomRule.Default);
        }

        // Announced after all others.
        await one.PublishAsync(_room, "end", RoomRule.Default);
        await two.Sink.WaitForAsync(_room, 1);
        ILookup<string, string> announced = two.Sink.TextsByRoom();
        Assert.All(Enumerable.Range(0, 200), i => Assert.Equal(i % 2 == 0 ? 1 : 0, announced[$"{_room}:{i}"].Count()));
    }

    [Fact]
    public async Task Control_GoesToOneNode_OrToAllOthers()
    {
        await using Node one = await StartAsync(static options => options.Prefix = "control");
        await using Node two = await StartAsync(static options => options.Prefix = "control");
        await using Node three = await StartAsync(static options => options.Prefix = "control");

        await one.Broker.SendControlAsync(two.Sink.NodeId, Encoding.UTF8.GetBytes("to two"), default).Within();
        await one.Broker.SendControlAsync(null, Encoding.UTF8.GetBytes("to all"), default).Within();
        await two.Broker.SendControlAsync(one.Sink.NodeId, Encoding.UTF8.GetBytes("back"), default).Within();

        await Bounded.Eventually(() => one.Sink.Controls.Count + two.Sink.Controls.Count + three.Sink.Controls.Count >= 4);
        Assert.Equal(["back"], one.Sink.Controls);
        Assert.Equal(["to two", "to all"], two.Sink.Controls);
        Assert.Equal(["to all"], three.Sink.Controls);
    }

    [Fact]
    public async Task Control_ToANodeThatIsGone_FailsInsteadOfBeingLost()
    {
        await using Node one = await StartAsync();
        Node two = await StartAsync();
        await one.Broker.SendControlAsync(two.Sink.NodeId, new byte[] { 1 }, default).Within();
        await two.DisposeAsync();

        BrokerUnavailableException refused = await Assert.ThrowsAsync<BrokerUnavailableException>(
            () => one.Broker.SendControlAsync(two.Sink.NodeId, new byte[] { 1 }, default).AsTask()).Within();

        Assert.False(refused.IsUnknown);
        Assert.Contains(two.Sink.NodeId, refused.Message);
    }

    [Fact]
    public async Task Presence_OfANodeThatIsGone_Ends_AndIsAnnouncedOnce()
    {
        await using Node one = await StartAsync();
        await using Node three = await StartAsync();
        Node two = await StartAsync();
        await one.SubscribeAsync(_room);
        await two.Broker.SetPresenceAsync(_room, new RoomMember("gone", "g", default, default), TimeSpan.FromMilliseconds(200), default)
            .Within();
        await two.DisposeAsync();

        await Waiting.PassAsync(TimeSpan.FromMilliseconds(250));
        IReadOnlyList<RoomMember>[] present = await Task.WhenAll(
            one.Broker.ReadPresenceAsync(_room, default).AsTask(), three.Broker.ReadPresenceAsync(_room, default).AsTask()).Within();

        Assert.All(present, Assert.Empty);
        await Bounded.Eventually(() => one.Sink.PresenceOf(_room).Count >= 2);
        await one.Broker.SetPresenceAsync(_room, new RoomMember("gone", "g", default, default), TimeSpan.FromMinutes(1), default).Within();
        await Bounded.Eventually(() => one.Sink.PresenceOf(_room).Count >= 3);
        Assert.Equal(["+gone", "-gone", "+gone"], one.Sink.PresenceOf(_room));
    }

    [Fact]
    public async Task Presence_OfThousandsFromTwoNodesAtOnce_HasEachOnce()
    {
        await using Node one = await StartAsync();
        await using Node two = await StartAsync();
        await one.SubscribeAsync(_room);

        await Task.WhenAll(Enumerable.Range(0, 2000).Select(i => (i % 2 == 0 ? one : two).Broker.SetPresenceAsync(
            _room, new RoomMember($"client-{i}", "u", new byte[100], default), TimeSpan.FromMinutes(1), default).AsTask())).Within();
        IReadOnlyList<RoomMember> present = await two.Broker.ReadPresenceAsync(_room, default).Within();

        Assert.Equal(2000, present.Select(static member => member.Client).Distinct().Count());
        Assert.Equal(2000, present.Count);
        await Bounded.Eventually(() => one.Sink.PresenceOf(_room).Count >= 2000);
        Assert.Equal(2000, one.Sink.PresenceOf(_room).Distinct().Count());
    }

    /// <summary>Wildcards, separators and names that NATS refuses, splits, or closes the connection for.</summary>
    [Theory]
    [InlineData("*")]
    [InlineData(">")]
    [InlineData("a.b")]
    [InlineData(".a")]
    [InlineData("a b\t\r\n")]
    [InlineData("späße ☃ 🙂")]
    [InlineData("=2A")]
    [InlineData("")]
    public async Task RoomNames_OfAnyKind_AreThatRoomOnly(string name)
    {
        await using Node node = await StartAsync(options => options.Prefix = "names-" + Guid.NewGuid().ToString("N")[..8]);
        string[] others = ["other", "*x", "a", "b", "%2A", "*", ">", "a.b", "=", " "];
        await node.SubscribeAsync(name);

        StreamPosition position = await node.PublishAsync(name, "kept");
        await node.PublishAsync(name, "plain", RoomRule.Default);
        foreach (string other in others.Where(other => other != name))
        {
            Assert.Equal(1, (await node.PublishAsync(other, "of another")).Offset);
        }

        await node.PublishAsync(name, "last");
        await node.Sink.WaitForAsync(name, 3);

        Assert.Equal(["kept", "plain", "last"], node.Sink.TextsOf(name));
        Assert.Equal(position with { Offset = 2 }, (await node.ReadAsync(name)).Top);
        await node.Broker.RemoveHistoryAsync(name, default).Within();
        Assert.Single((await node.ReadAsync("other")).Publications);
    }

    [Fact]
    public async Task RoomNames_TooLongForAServer_Work_AndDoNotCostTheConnection()
    {
        await using Node node = await StartAsync();
        string[] rooms = [_room + new string('x', 5000), _room + new string('x', 5001), _room + new string('ä', 300)];
        foreach (string room in rooms)
        {
            await node.SubscribeAsync(room);
            Assert.Equal(1, (await node.PublishAsync(room, room.Length.ToString(CultureInfo.InvariantCulture))).Offset);
        }

        foreach (string room in rooms)
        {
            await node.Sink.WaitForAsync(room, 1);
            Assert.Equal([room.Length.ToString(CultureInfo.InvariantCulture)], node.Sink.TextsOf(room));
        }

        Assert.Equal([BrokerHealth.Up], node.Sink.Health);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    public async Task Publish_LargerThanTheServerTakes_FailsWithTheSizes_AndCostsNothingElse(int historySize)
    {
        await using Node node = await StartAsync();
        RoomRule rule = Node.Kept with { HistorySize = historySize };
        Publication large = new() { Data = new byte[1 << 20] };

        BrokerUnavailableException refused = await Assert.ThrowsAsync<BrokerUnavailableException>(
            () => node.Broker.PublishAsync(_room, large, rule, default).AsTask()).Within();
        await node.Broker.PublishAsync(_room, new Publication { Data = new byte[(1 << 20) - 4096] }, rule, default).Within();

        Assert.False(refused.IsUnknown);
        Assert.Contains("max_payload is 1048576", refused.Message);
        Assert.Equal([BrokerHealth.Up], node.Sink.Health);
    }

    /// <summary>More messages than one carries pointers to, and in parts.</summary>
    [Fact]
    public async Task ReadHistory_OfHundredsOfMessages_HasEachPartOfIt()
    {
        await using Node node = await StartAsync();
        await using Node another = await StartAsync();
        StreamPosition top = default;
        for (int i = 1; i <= 300; i++)
        {
            top = await (i % 3 == 0 ? another : node).PublishAsync(_room, i.ToString(CultureInfo.InvariantCulture));
        }

        Assert.Equal(300, top.Offset);
        Assert.Equal(Numbers(1, 300), Texts(await node.ReadAsync(_room)));
        Assert.Equal(Numbers(101, 300), Texts(await node.ReadAsync(_room, top with { Offset = 100 })));
        Assert.Equal(Numbers(101, 105), Texts(await node.Broker.ReadHistoryAsync(
            _room, new HistoryQuery(top with { Offset = 100 }, 5), Node.Kept, default).Within()));
        Assert.Equal(Numbers(96, 100).Reverse(), Texts(await node.Broker.ReadHistoryAsync(
            _room, new HistoryQuery(top with { Offset = 101 }, 5, Reverse: true), Node.Kept, default).Within()));
        Assert.Equal(Numbers(251, 300), Texts(await node.Broker.ReadHistoryAsync(
            _room, new HistoryQuery(null, -1), Node.Kept with { HistorySize = 50 }, default).Within()));
    }

    [Fact]
    public async Task ReadHistory_WithALimit_CountsPublicationsAndNotSkippedOffsets()
    {
        await using Node node = await StartAsync();
        StreamPosition first = await node.PublishAsync(_room, "1");
        StreamPosition skipped = await node.Broker.SkipAsync(_room, Node.Kept, default).Within();
        await node.Broker.PublishAsync(
            _room, new Publication { Data = "4"u8.ToArray(), IsAfterLoss = true }, Node.Kept, default).Within();
        await node.PublishAsync(_room, "5");

        RoomHistory some = await node.Broker.ReadHistoryAsync(_room, new HistoryQuery(first, 2), Node.Kept, default).Within();

        Assert.Equal(first with { Offset = 2 }, skipped);
        Assert.Equal([4L, 5L], some.Publications.Select(static publication => publication.Offset));
        Assert.Equal(["5", "4", "1"], Texts(await node.Broker.ReadHistoryAsync(
            _room, new HistoryQuery(null, 3, Reverse: true), Node.Kept, default).Within()));
    }

    [Fact]
    public async Task RemoveHistory_TakesTheMessagesFromTheServerToo()
    {
        await using Node node = await StartAsync();
        await using Node another = await StartAsync();
        for (int i = 0; i < 20; i++)
        {
            await node.PublishAsync(_room, "secret");
        }

        await another.Broker.RemoveHistoryAsync(_room, default).Within();
        StreamPosition next = await node.PublishAsync(_room, "next");

        Assert.Equal(21, next.Offset);
        Assert.Equal(["next"], Texts(await another.ReadAsync(_room)));
    }

    [Fact]
    public async Task Shards_OfAnotherNumber_AreRefused_WithTheReason()
    {
        await using Node node = await StartAsync(static options => options.Prefix = "sharded");
        await using Node other = Node.Start(nats.Server.Url, static options => (options.Prefix, options.Shards) = ("sharded", 3));

        await other.IsAsync(BrokerHealth.Refusing);

        Assert.Contains("number of shards", Assert.Single(other.Log.Of("NatsStreamsUnusable")).Exception!.Message);
        await Assert.ThrowsAsync<BrokerUnavailableException>(() => other.PublishAsync(_room, "x", Node.Kept with { Durable = true }));
        Assert.Equal(1, (await node.PublishAsync(_room, "x")).Offset);
    }

    [Fact]
    public async Task Message_OfAnotherVersion_IsPassedOver()
    {
        await using Node node = await StartAsync();
        await node.SubscribeAsync(_room);
        await using NATS.Client.Core.NatsConnection other = new(NATS.Client.Core.NatsOpts.Default with { Url = nats.Server.Url });

        foreach (byte[] message in (byte[][])[[2, 1, 5], [1, 200, 3], [1, 2, 200, 1], [1, 1, 9], [], [1]])
        {
            await other.PublishAsync("weir.room." + _room, message);
        }

        await other.PingAsync();
        await node.PublishAsync(_room, "known");
        await node.Sink.WaitForAsync(_room, 1);

        Assert.Equal(["known"], node.Sink.TextsOf(_room));
        Assert.Equal([BrokerHealth.Up], node.Sink.Health);
    }

    private static IEnumerable<string> Numbers(int first, int last)
        => Enumerable.Range(first, last - first + 1).Select(static i => i.ToString(CultureInfo.InvariantCulture));

    private static IEnumerable<string> Texts(RoomHistory history) => history.Publications.Select(static publication => publication.Text());

    // Nothing here fails: a machine that is busy with other things may take its time.
    private Task<Node> StartAsync(Action<NatsOptions>? configure = null) => Node.StartAsync(nats.Server.Url, options =>
    {
        options.RequestTimeout = options.ProbeTimeout = options.ConnectTimeout = TimeSpan.FromSeconds(30);
        configure?.Invoke(options);
    });
}
