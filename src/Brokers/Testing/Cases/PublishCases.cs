using System.Globalization;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Testing;

namespace Weir.Brokers.Testing.Cases;

/// <summary>Offsets, order and announcements.</summary>
internal static class PublishCases
{
    private static readonly HistoryQuery _everything = new(Since: null, Limit: -1);

    public static IReadOnlyList<Func<BrokerContract, Task>> All { get; } =
    [
        Publish_WithHistory_NumbersFromOneWithoutGaps,
        Publish_WithoutHistory_HasNoOffset,
        Publish_WithoutHistory_IsAnnouncedWithAllThatBelongsToIt,
        Publish_WithHistory_IsAnnouncedAndStoredWithAllThatBelongsToIt,
        Publish_WithoutInfoKeyAndNode_IsAnnouncedWithoutThem,
        Publish_ManyWithoutWaiting_AreAnnouncedInTheOrderOfTheCalls,
        Publish_ManyWithoutHistoryOrWaiting_AreAnnouncedInTheOrderOfTheCalls,
        Publish_FromManyThreads_NumbersEachOnceAndAnnouncesInThatOrder,
        Unsubscribe_EndsTheAnnouncementsOfThatRoomOnly,
    ];

    public static IReadOnlyList<Func<BrokerContract, Task>> WithoutHistory { get; } =
    [
        Publish_WithoutHistory_HasNoOffset,
        Publish_WithoutHistory_IsAnnouncedWithAllThatBelongsToIt,
        Publish_WithoutInfoKeyAndNode_IsAnnouncedWithoutThem,
        Publish_ManyWithoutHistoryOrWaiting_AreAnnouncedInTheOrderOfTheCalls,
        Unsubscribe_EndsTheAnnouncementsOfThatRoomOnly,
    ];

    private static async Task Publish_WithHistory_NumbersFromOneWithoutGaps(BrokerContract contract)
    {
        (IBroker broker, _) = await contract.StartAsync();

        List<StreamPosition> positions = [];
        for (int i = 0; i < 4; i++)
        {
            positions.Add(await contract.PublishAsync(broker, i.ToString(CultureInfo.InvariantCulture)));
        }

        Expect.Sequence([1, 2, 3, 4], positions.Select(static position => position.Offset));
        Expect.Different("", Expect.Single(positions.Select(static position => position.Epoch).Distinct()));
    }

    private static async Task Publish_WithoutHistory_HasNoOffset(BrokerContract contract)
    {
        (IBroker broker, RecordingSink sink) = await contract.StartAsync();
        await broker.SubscribeAsync(contract.Room, default).Within();

        StreamPosition position = await contract.PublishAsync(broker, "a", RoomRule.Default);
        await sink.WaitForAsync(contract.Room, 1);

        Expect.Equal(0, position.Offset);
        Expect.Equal(0, sink.PublicationsOf(contract.Room)[0].Publication.Offset);
        RoomHistory history = await broker.ReadHistoryAsync(contract.Room, _everything, RoomRule.Default, default).Within();
        Expect.Equal(0, history.Publications.Count);
    }

    private static Task Publish_WithoutHistory_IsAnnouncedWithAllThatBelongsToIt(BrokerContract contract)
        => IsAnnouncedWithAllThatBelongsToItAsync(contract, BrokerContract.Kept with { HistorySize = 0 });

    private static Task Publish_WithHistory_IsAnnouncedAndStoredWithAllThatBelongsToIt(BrokerContract contract)
        => IsAnnouncedWithAllThatBelongsToItAsync(contract, BrokerContract.Kept);

    private static async Task IsAnnouncedWithAllThatBelongsToItAsync(BrokerContract contract, RoomRule rule)
    {
        (IBroker broker, RecordingSink sink) = await contract.StartAsync();
        await broker.SubscribeAsync(contract.Room, default).Within();
        Publication publication = new()
        {
            Data = new byte[] { 0, 1, 255, 13, 10 },
            Kind = MessageKind.Binary,
            Key = "EUR/USD",
            Info = """{"client":"c"}"""u8.ToArray(),
            Node = sink.NodeId,
            NodeSequence = long.MaxValue - 1,
            Message = 7,
        };

        StreamPosition position = await broker.PublishAsync(contract.Room, publication, rule, default).Within();
        await sink.WaitForAsync(contract.Room, 1);

        (Publication announced, string epoch) = sink.PublicationsOf(contract.Room)[0];
        Expect.Same(publication.WithOffset(position.Offset), announced);
        Expect.Equal(publication.Message, announced.Message); // need not be stored
        if (rule.KeepsHistory)
        {
            Expect.Equal(position.Epoch, epoch);
            RoomHistory history = await broker.ReadHistoryAsync(contract.Room, _everything, rule, default).Within();
            Expect.Same(announced, Expect.Single(history.Publications));
        }
    }

    private static async Task Publish_WithoutInfoKeyAndNode_IsAnnouncedWithoutThem(BrokerContract contract)
    {
        (IBroker broker, RecordingSink sink) = await contract.StartAsync();
        await broker.SubscribeAsync(contract.Room, default).Within();

        await contract.PublishAsync(broker, "");
        await sink.WaitForAsync(contract.Room, 1);

        Publication announced = sink.PublicationsOf(contract.Room)[0].Publication;
        Expect.Equal(null, announced.Key);
        Expect.Equal(null, announced.Node);
        Expect.Equal((0, 0, 0L), (announced.Data.Length, announced.Info.Length, announced.NodeSequence));
        Expect.Equal(MessageKind.Text, announced.Kind);
    }

    private static Task Publish_ManyWithoutWaiting_AreAnnouncedInTheOrderOfTheCalls(BrokerContract contract)
        => AreAnnouncedInTheOrderOfTheCallsAsync(contract, BrokerContract.Kept with { HistorySize = 1000 });

    private static Task Publish_ManyWithoutHistoryOrWaiting_AreAnnouncedInTheOrderOfTheCalls(BrokerContract contract)
        => AreAnnouncedInTheOrderOfTheCallsAsync(contract, BrokerContract.Kept with { HistorySize = 0 });

    private static async Task AreAnnouncedInTheOrderOfTheCallsAsync(BrokerContract contract, RoomRule rule)
    {
        (IBroker broker, RecordingSink sink) = await contract.StartAsync();
        await broker.SubscribeAsync(contract.Room, default).Within();
        string[] texts = [.. Enumerable.Range(1, 500).Select(static i => i.ToString(CultureInfo.InvariantCulture))];

        Task<StreamPosition>[] publishes =
            [.. texts.Select(text => broker.PublishAsync(contract.Room, text.ToPublication(), rule, default).AsTask())];
        StreamPosition[] positions = await Task.WhenAll(publishes).Within();
        await sink.WaitForAsync(contract.Room, 500);

        Expect.Sequence(texts, sink.TextsOf(contract.Room));
        if (rule.KeepsHistory)
        {
            Expect.Sequence(UpTo(500), positions.Select(static position => position.Offset));
            Expect.Sequence(UpTo(500), sink.PublicationsOf(contract.Room).Select(static each => each.Publication.Offset));
        }
    }

    private static async Task Publish_FromManyThreads_NumbersEachOnceAndAnnouncesInThatOrder(BrokerContract contract)
    {
        RoomRule rule = BrokerContract.Kept with { HistorySize = 1000 };
        (IBroker broker, RecordingSink sink) = await contract.StartAsync();
        await broker.SubscribeAsync(contract.Room, default).Within();

        StreamPosition[][] positions = await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(async () =>
        {
            List<StreamPosition> own = [];
            for (int i = 0; i < 50; i++)
            {
                own.Add(await broker.PublishAsync(contract.Room, $"{thread}:{i}".ToPublication(), rule, default));
            }

            return own.ToArray();
        }))).Within();
        await sink.WaitForAsync(contract.Room, 400);

        Expect.Sequence(UpTo(400), positions.SelectMany(static own => own).Select(static position => position.Offset).Order());
        Expect.Sequence(UpTo(400), sink.PublicationsOf(contract.Room).Select(static each => each.Publication.Offset));
        RoomHistory history = await broker.ReadHistoryAsync(contract.Room, _everything, rule, default).Within();
        Expect.Sequence(sink.TextsOf(contract.Room), history.Publications.Select(static publication => publication.Text()));
    }

    private static async Task Unsubscribe_EndsTheAnnouncementsOfThatRoomOnly(BrokerContract contract)
    {
        (IBroker broker, RecordingSink sink) = await contract.StartAsync();
        string room = contract.Room, other = room + ":other";
        await broker.SubscribeAsync(room, default).Within();
        await broker.SubscribeAsync(room, default).Within(); // idempotent: one unsubscribe ends it
        await broker.SubscribeAsync(other, default).Within();

        await broker.UnsubscribeAsync(room, default).Within();
        await contract.PublishAsync(broker, "while not subscribed");
        await broker.PublishAsync(other, "to the other".ToPublication(), BrokerContract.RuleOf(broker), default).Within();
        await sink.WaitForAsync(other, 1);
        await broker.SubscribeAsync(room, default).Within();
        await contract.PublishAsync(broker, "subscribed again");
        await sink.WaitForAsync(room, 1);

        Expect.Sequence(["subscribed again"], sink.TextsOf(room));
        Expect.Equal(broker.KeepsHistory ? 2 : 0, sink.PublicationsOf(room)[0].Publication.Offset);
    }

    private static IEnumerable<long> UpTo(int count) => Enumerable.Range(1, count).Select(static i => (long)i);
}
