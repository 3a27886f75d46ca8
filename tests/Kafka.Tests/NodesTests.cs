using System.Globalization;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Testing;
using Xunit;

namespace Weir.Brokers.Kafka.Tests;

/// <summary>Several nodes on one topic.</summary>
public sealed class NodesTests(SharedKafka shared)
{
    private static readonly TimeSpan _lifetime = TimeSpan.FromMinutes(1);

    private readonly string _topic = shared.Kafka.Create();

    [Fact]
    public async Task Publish_FromTwoNodesAtOnce_IsInOneOrderOnBoth()
    {
        await using Node one = await StartAsync();
        await using Node two = await StartAsync();
        string[] rooms = [.. Enumerable.Range(0, 20).Select(static i => $"room:{i}")];
        foreach (string room in rooms)
        {
            await one.SubscribeAsync(room);
            await two.SubscribeAsync(room);
        }

        await Task.WhenAll(
            from node in new[] { one, two }
            from room in rooms
            select Task.WhenAll(Enumerable.Range(0, 100).Select(i => node.Broker
                .PublishAsync(room, $"{node.Sink.NodeId} {i}".ToPublication(), RoomRule.Default, default).AsTask()))).Within();
        foreach (string room in rooms)
        {
            await one.Sink.WaitForAsync(room, 200);
            await two.Sink.WaitForAsync(room, 200);

            Assert.Equal(200, one.Sink.TextsOf(room).Distinct().Count());
            Assert.Equal(one.Sink.TextsOf(room), two.Sink.TextsOf(room));
            foreach (Node node in new[] { one, two })
            {
                // Each node's own are in the order of its calls, of which none was awaited.
                Assert.Equal(
                    Enumerable.Range(0, 100).Select(static i => i.ToString(CultureInfo.InvariantCulture)),
                    one.Sink.TextsOf(room).Where(text => text.StartsWith(node.Sink.NodeId, StringComparison.Ordinal))
                        .Select(static text => text.Split(' ')[1]));
            }
        }
    }

    [Fact]
    public async Task Start_OfANode_AnnouncesNothingFromBefore_AndEverythingAfter()
    {
        await using Node one = await StartAsync();
        await one.PublishAsync("room", "before");

        await using Node two = await StartAsync();
        await two.SubscribeAsync("room");
        await one.PublishAsync("room", "after");
        await two.Sink.WaitForAsync("room", 1);

        Assert.Equal(["after"], two.Sink.TextsOf("room"));
    }

    [Theory]
    [InlineData("*")]
    [InlineData("a b\tc\n")]
    [InlineData("Zürich 東京 🙂")]
    [InlineData("x.y.>")]
    public async Task Room_OfAnyName_IsItsOwn(string room)
    {
        await using Node node = await StartAsync();
        await node.SubscribeAsync(room);

        await node.PublishAsync(room + "'", "to another");
        await node.PublishAsync(room, "to this");
        await node.Sink.WaitForAsync(room, 1);

        Assert.Equal(["to this"], node.Sink.TextsOf(room));
    }

    [Fact]
    public async Task Control_ReachesTheNamedNode_OrAllOthers()
    {
        await using Node one = await StartAsync();
        await using Node two = await StartAsync();
        await using Node three = await StartAsync();

        await one.Broker.SendControlAsync(two.Sink.NodeId, "to two"u8.ToArray(), default).Within();
        await one.Broker.SendControlAsync(null, "to all"u8.ToArray(), default).Within();
        await one.Broker.SendControlAsync(one.Sink.NodeId, "to itself"u8.ToArray(), default).Within();
        await Bounded.Eventually(() => one.Sink.Controls.Count == 1 && two.Sink.Controls.Count == 2 && three.Sink.Controls.Count == 1);

        Assert.Equal(["to itself"], one.Sink.Controls);
        Assert.Equal(["to two", "to all"], two.Sink.Controls);
        Assert.Equal(["to all"], three.Sink.Controls);
    }

    [Fact]
    public async Task Presence_IsSeenOnAllNodes_AndAnnouncedOnceOnEach()
    {
        await using Node one = await StartAsync();
        await using Node two = await StartAsync();
        await one.SubscribeAsync("room");
        await two.SubscribeAsync("room");
        RoomMember ann = new("ann", "user", """{"a":1}"""u8.ToArray(), "2"u8.ToArray());

        await one.Broker.SetPresenceAsync("room", ann, _lifetime, default).Within();
        await one.Broker.SetPresenceAsync("room", ann, _lifetime, default).Within();
        await two.Broker.SetPresenceAsync("room", new RoomMember("bob", "", default, default), _lifetime, default).Within();
        await one.Broker.RemovePresenceAsync("room", "ann", default).Within();
        await Bounded.Eventually(() => one.Sink.PresenceOf("room").Count >= 3 && two.Sink.PresenceOf("room").Count >= 3);

        Assert.Equal(["+ann", "+bob", "-ann"], one.Sink.PresenceOf("room"));
        Assert.Equal(["+ann", "+bob", "-ann"], two.Sink.PresenceOf("room"));
        Assert.Equal(["bob"], await PresentAsync(one));
        Assert.Equal(["bob"], await PresentAsync(two));
    }

    [Fact]
    public async Task Presence_OfBefore_IsGivenToANodeThatStarts_WithoutAJoin()
    {
        await using Node one = await StartAsync();
        await one.SubscribeAsync("room");
        await one.Broker.SetPresenceAsync("room", new RoomMember("ann", "user", default, default), _lifetime, default).Within();
        await one.Broker.SetPresenceAsync("room", new RoomMember("gone", "", default, default), _lifetime, default).Within();
        await one.Broker.RemovePresenceAsync("room", "gone", default).Within();

        await using Node two = await StartAsync();
        await two.SubscribeAsync("room");
        await Bounded.Eventually(() => two.Metrics.Sum("weir.kafka.present") == 1);

        Assert.Equal(["ann"], await PresentAsync(two));
        Assert.Empty(two.Sink.PresenceOf("room"));
        Assert.Equal(["+ann", "+gone", "-gone"], one.Sink.PresenceOf("room"));
    }

    [Fact]
    public async Task Presence_OfANodeThatDied_EndsWithItsLifetime_OnTheOthers()
    {
        await using Node two = await StartAsync();
        await two.SubscribeAsync("room");
        await using (Node one = await StartAsync())
        {
            await one.Broker.SetPresenceAsync("room", new RoomMember("ann", "", default, default), TimeSpan.FromSeconds(3), default).Within();
            await Bounded.Eventually(() => two.Sink.PresenceOf("room").Count == 1);
        }

        await Bounded.Eventually(() => two.Sink.PresenceOf("room").Count == 2);
        Assert.Equal(["+ann", "-ann"], two.Sink.PresenceOf("room"));
        Assert.Empty(await PresentAsync(two));
    }

    [Fact]
    public async Task Rule_WithHistory_IsRefused()
    {
        await using Node node = await StartAsync();
        RoomRule rule = new() { HistorySize = 1, Pattern = "kept:*" };

        NotSupportedException publish = await Assert.ThrowsAsync<NotSupportedException>(
            () => node.Broker.PublishAsync("kept:1", "x".ToPublication(), rule, default).AsTask());

        Assert.Contains("kept:*", publish.Message, StringComparison.Ordinal);
        Assert.False(((IBroker)node.Broker).KeepsHistory);
        ArgumentException start = Assert.Throws<ArgumentException>(
            () => new RelayNode(node.Broker, options: new RelayOptions { Rules = new RoomRules([rule]) }));
        Assert.Contains("kept:*", start.Message, StringComparison.Ordinal);
    }

    private static async Task<IEnumerable<string>> PresentAsync(Node node)
        => (await node.Broker.ReadPresenceAsync("room", default).Within()).Select(static member => member.Client).Order();

    private Task<Node> StartAsync() => Node.StartAsync(shared.Kafka, _topic);
}
