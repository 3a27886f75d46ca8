using Weir.Relay.Brokers;
using Weir.Testing;

namespace Weir.Brokers.Testing.Cases;

/// <summary>Clients that are present in a room.</summary>
internal static class PresenceCases
{
    public static IReadOnlyList<Func<BrokerContract, Task>> All { get; } =
    [
        Presence_ListsThePresentClients_AndAnnouncesEachJoinAndLeaveOnce,
        Presence_ThatIsNotRefreshed_Ends,
    ];

    private static async Task Presence_ListsThePresentClients_AndAnnouncesEachJoinAndLeaveOnce(BrokerContract contract)
    {
        (IBroker broker, RecordingSink sink) = await contract.StartAsync();
        string room = contract.Room;
        await broker.SubscribeAsync(room, default).Within();
        RoomMember ann = new("client-1", "ann", """{"name":"Ann"}"""u8.ToArray(), default);
        RoomMember bob = new("client-2", "", default, """{"role":"guest"}"""u8.ToArray());

        await SetPresenceAsync(broker, room, ann);
        await SetPresenceAsync(broker, room, bob);
        await SetPresenceAsync(broker, room, ann); // a refresh is no join
        IReadOnlyList<RoomMember> both = await broker.ReadPresenceAsync(room, default).Within();
        await broker.RemovePresenceAsync(room, "client-1", default).Within();
        await broker.RemovePresenceAsync(room, "client-1", default).Within();
        await broker.RemovePresenceAsync(room, "unknown", default).Within();
        IReadOnlyList<RoomMember> remaining = await broker.ReadPresenceAsync(room, default).Within();
        await SetPresenceAsync(broker, room, new RoomMember("last", "", default, default));

        Expect.Sequence(["client-1", "client-2"], both.Select(static member => member.Client).Order());
        RoomMember readAnn = both.Single(static member => member.Client == "client-1");
        Expect.Equal("ann", readAnn.User);
        Expect.Bytes("""{"name":"Ann"}"""u8.ToArray(), readAnn.ConnectionInfo);
        Expect.Equal(0, readAnn.RoomInfo.Length);
        RoomMember readBob = Expect.Single(remaining);
        Expect.Equal(("client-2", "", 0), (readBob.Client, readBob.User, readBob.ConnectionInfo.Length));
        Expect.Bytes("""{"role":"guest"}"""u8.ToArray(), readBob.RoomInfo);
        await Bounded.Eventually(() => sink.PresenceOf(room).Count >= 4);
        Expect.Sequence(["+client-1", "+client-2", "-client-1", "+last"], sink.PresenceOf(room));
    }

    private static async Task Presence_ThatIsNotRefreshed_Ends(BrokerContract contract)
    {
        (IBroker broker, _) = await contract.StartAsync();
        RoomMember stays = new("stays", "", default, default);
        await SetPresenceAsync(broker, contract.Room, stays);
        await SetPresenceAsync(broker, contract.Room, new RoomMember("goes", "", default, default));

        await contract.PassAsync(TimeSpan.FromSeconds(1.2));
        await SetPresenceAsync(broker, contract.Room, stays);
        await contract.PassAsync(TimeSpan.FromSeconds(1.2));

        IReadOnlyList<RoomMember> present = await broker.ReadPresenceAsync(contract.Room, default).Within();
        Expect.Sequence(["stays"], present.Select(static member => member.Client));
    }

    private static Task SetPresenceAsync(IBroker broker, string room, RoomMember member)
        => broker.SetPresenceAsync(room, member, TimeSpan.FromSeconds(2), CancellationToken.None).Within();
}
