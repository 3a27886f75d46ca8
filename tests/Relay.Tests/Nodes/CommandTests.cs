using System.Text;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Relay.Tests.Nodes;

/// <summary>Requests to all nodes.</summary>
public sealed class CommandTests
{
    [Fact]
    public async Task Disconnect_IsExecutedHere_AndOnTheOtherNode()
    {
        ScriptedBroker broker = new();
        await using RelayWorld here = await RelayWorld.StartAsync(broker);
        await using RelayWorld there = await RelayWorld.StartAsync(new ScriptedBroker());
        Clients ours = new();
        Clients theirs = new();
        here.Node.AddClients(ours);
        there.Node.AddClients(theirs);
        Disconnection what = new("ann", "", CloseCode.PolicyViolation, "spam");

        await here.Node.DisconnectAsync(what).Within();
        (string? node, byte[] message) = Assert.Single(broker.Controls);
        ((IBrokerSink)there.Node).OnControl(message);

        Assert.Null(node);
        Assert.Equal([what], ours.Executed);
        Assert.Equal([what], theirs.Executed);
    }

    [Fact]
    public async Task Disconnect_WhoseMessageIsLost_IsExecutedOnce_WhenTheNodeIsBack()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Clients clients = new();
        world.Node.AddClients(clients);
        await FirstReadAsync(broker);
        broker.SetHealth(BrokerHealth.Degraded);
        Store("1", "ann");
        Store("2", "bob");
        ((IBrokerSink)world.Node).OnControl(Message("2", "bob")); // this one arrived

        broker.SetHealth(BrokerHealth.Up);
        await Bounded.Eventually(() => clients.Executed.Count == 2);
        ((IBrokerSink)world.Node).OnControl(Message("1", "ann")); // late
        Store("3", "eve");
        broker.SetHealth(BrokerHealth.Degraded);
        broker.SetHealth(BrokerHealth.Up);
        await Bounded.Eventually(() => clients.Executed.Count == 3);

        Assert.Equal(["bob", "ann", "eve"], clients.Executed.Select(static each => each.User));
        Assert.Empty(world.Log.Of("DisconnectsLost"));

        void Store(string id, string user) => broker.Take(DisconnectLog.Room, Encoding.UTF8.GetString(Message(id, user)));
    }

    [Fact]
    public async Task Disconnects_ThatTheBrokerLost_AreAWarning()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        broker.Take(DisconnectLog.Room, Encoding.UTF8.GetString(Message("1", "ann")));
        await FirstReadAsync(broker);

        broker.SetHealth(BrokerHealth.Degraded);
        broker.Forget("e2");
        broker.SetHealth(BrokerHealth.Up);

        await Bounded.Eventually(() => world.Log.Of("DisconnectsLost").Count == 1);
    }

    [Fact]
    public async Task Disconnect_OfThisNode_IsStored_AndNotExecutedAgain()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        Clients clients = new();
        world.Node.AddClients(clients);
        await FirstReadAsync(broker);

        await world.Node.DisconnectAsync(new("ann", "", CloseCode.PolicyViolation, "spam")).Within();
        Assert.Single(broker.Read(DisconnectLog.Room, new HistoryQuery(null, -1)).Publications);
        broker.Take(DisconnectLog.Room, Encoding.UTF8.GetString(Message("9", "bob")));
        broker.SetHealth(BrokerHealth.Degraded);
        broker.SetHealth(BrokerHealth.Up);
        await Bounded.Eventually(() => clients.Executed.Count >= 2);

        Assert.Equal(["ann", "bob"], clients.Executed.Select(static each => each.User));
    }

    [Fact]
    public async Task ControlMessage_ThatCannotBeRead_IsLogged()
    {
        await using RelayWorld world = await RelayWorld.StartAsync(new ScriptedBroker());

        ((IBrokerSink)world.Node).OnControl("not JSON"u8.ToArray());
        ((IBrokerSink)world.Node).OnControl("""{"Unknown":1}"""u8.ToArray()); // of a newer version

        Assert.Single(world.Log.Of("BadControl"));
    }

    [Fact]
    public async Task Rooms_OfASingleNode_AreItsOwn()
    {
        await using RelayWorld world = await RelayWorld.StartAsync(new MemoryBroker());
        await world.JoinAsync("chat:1");
        await world.JoinAsync("chat:1");
        await world.JoinAsync("news");

        Assert.Equal(new Dictionary<string, int> { ["chat:1"] = 2 }, await world.Node.ReadRoomsAsync("chat:*").Within());
        Assert.Equal(2, (await world.Node.ReadRoomsAsync().Within()).Count);
        NodeInfo self = Assert.Single(await world.Node.ReadNodesAsync().Within());
        Assert.Equal((world.Node.NodeId, 2), (self.Id, self.Rooms));
    }

    [Fact]
    public async Task Question_IsAnsweredToTheAskingNode()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker);
        await world.JoinAsync("a");

        ((IBrokerSink)world.Node).OnControl("""{"RoomsLike":"","From":"other","Question":7}"""u8.ToArray());
        await Bounded.Eventually(() => broker.Controls.Count > 0);

        (string? node, byte[] message) = Assert.Single(broker.Controls);
        Assert.Equal("other", node);
        Assert.Equal("""{"Rooms":{"a":1},"Question":7}""", Encoding.UTF8.GetString(message));
    }

    // The log is read from here on.
    private static async Task FirstReadAsync(ScriptedBroker broker)
    {
        TaskCompletionSource read = new(TaskCreationOptions.RunContinuationsAsynchronously);
        broker.OnReadHistory = (room, query) =>
        {
            RoomHistory history = broker.Read(room, query);
            read.TrySetResult();
            return Task.FromResult(history);
        };
        broker.SetHealth(BrokerHealth.Up);
        await read.Task.Within();
    }

    private static byte[] Message(string id, string user) => Encoding.UTF8.GetBytes(
        $$"""{"Disconnect":{"User":"{{user}}","Client":"","Code":1008,"Reason":"spam"},"Id":"{{id}}"}""");

    private sealed class Clients : IRelayClients
    {
        public List<Disconnection> Executed { get; } = [];

        public int Count => 3;

        public void Disconnect(Disconnection what) => Executed.Add(what);
    }
}
