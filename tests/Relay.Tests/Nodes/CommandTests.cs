using System.Text;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Relay.Tests.Nodes;

/// <summary>What is asked of all nodes.</summary>
public sealed class CommandTests
{
    [Fact]
    public async Task Disconnect_IsDoneHereAndTold_AndTheOtherNodeDoesIt()
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
        Assert.Equal([what], ours.Told);
        Assert.Equal([what], theirs.Told);
    }

    [Fact]
    public async Task ControlMessage_ThatCannotBeRead_IsLogged()
    {
        await using RelayWorld world = await RelayWorld.StartAsync(new ScriptedBroker());

        ((IBrokerSink)world.Node).OnControl("not JSON"u8.ToArray());
        ((IBrokerSink)world.Node).OnControl("""{"Unheard":1}"""u8.ToArray()); // of a newer version

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
    public async Task Question_IsAnsweredToWhoAsked()
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

    private sealed class Clients : IRelayClients
    {
        public List<Disconnection> Told { get; } = [];

        public int Count => 3;

        public void Disconnect(Disconnection what) => Told.Add(what);
    }
}
