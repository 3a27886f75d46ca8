using System.Text;
using Weir.Relay.Brokers;
using Weir.Testing;

namespace Weir.Brokers.Testing.Cases;

/// <summary>From node to node. A broker of a single node passes them without a second one.</summary>
internal static class NodeCases
{
    public static IReadOnlyList<Func<BrokerContract, Task>> All { get; } =
    [
        Publish_IsAnnouncedToEveryNodeThatSubscribes,
        Control_IsDeliveredToAllOthers_OrToTheNamedNodeOnly,
    ];

    private static async Task Publish_IsAnnouncedToEveryNodeThatSubscribes(BrokerContract contract)
    {
        (IBroker publisher, RecordingSink sink) = await contract.StartAsync();
        if (publisher.IsSingleNode)
        {
            return;
        }

        (IBroker subscriber, RecordingSink other) = await contract.StartAsync();
        (_, RecordingSink none) = await contract.StartAsync();
        await publisher.SubscribeAsync(contract.Room, default).Within();
        await subscriber.SubscribeAsync(contract.Room, default).Within();

        await contract.PublishAsync(publisher, "a");
        await contract.PublishAsync(subscriber, "b");
        await Task.WhenAll(sink.WaitForAsync(contract.Room, 2), other.WaitForAsync(contract.Room, 2));

        Expect.Sequence(["a", "b"], sink.TextsOf(contract.Room));
        Expect.Sequence(["a", "b"], other.TextsOf(contract.Room));
        Expect.Equal(0, none.Count);
    }

    private static async Task Control_IsDeliveredToAllOthers_OrToTheNamedNodeOnly(BrokerContract contract)
    {
        (IBroker sender, RecordingSink own) = await contract.StartAsync();
        if (sender.IsSingleNode)
        {
            return;
        }

        (_, RecordingSink named) = await contract.StartAsync();
        (_, RecordingSink other) = await contract.StartAsync();

        // Nodes of other tests may send to all on the same server.
        string toOne = "to one of " + contract.Room, toAll = "to all of " + contract.Room;

        await sender.SendControlAsync(named.NodeId, Encoding.UTF8.GetBytes(toOne), default).Within();
        await sender.SendControlAsync(node: null, Encoding.UTF8.GetBytes(toAll), default).Within();
        await Bounded.Eventually(() => Count(named, toOne) == 1 && Count(named, toAll) == 1 && Count(other, toAll) == 1);

        Expect.Equal(0, Count(other, toOne));
        Expect.Equal((0, 0), (Count(own, toOne), Count(own, toAll)));
    }

    private static int Count(RecordingSink sink, string message) => sink.Controls.Count(control => control == message);
}
