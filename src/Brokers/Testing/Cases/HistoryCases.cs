using System.Globalization;
using Weir.Relay.Brokers;
using Weir.Testing;

namespace Weir.Brokers.Testing.Cases;

/// <summary>What is kept, for how long, and how it is read.</summary>
internal static class HistoryCases
{
    private static readonly HistoryQuery _everything = new(Since: null, Limit: -1);

    public static IReadOnlyList<Func<BrokerContract, Task>> All { get; } =
    [
        ReadHistory_IsBoundedByTheRule_AndTheTopContinues,
        ReadHistory_SinceLimitReverse_AreAsDescribed,
        ReadHistory_OfARoomWithoutPublications_FixesTheEpoch,
        History_Expires_AndTheOffsetsAndTheEpochContinue,
        RemoveHistory_KeepsTheNumbersAndTheEpoch,
        Publish_AfterLoss_SkipsAnOffset,
        Skip_ShowsAtTheTopAndInTheNextOffset,
    ];

    private static async Task ReadHistory_IsBoundedByTheRule_AndTheTopContinues(BrokerContract contract)
    {
        (IBroker broker, _) = await contract.StartAsync();
        for (int i = 1; i <= 8; i++)
        {
            await contract.PublishAsync(broker, i.ToString(CultureInfo.InvariantCulture));
        }

        RoomHistory history = await contract.ReadAsync(broker, _everything);

        Expect.Sequence(["4", "5", "6", "7", "8"], Texts(history));
        Expect.Sequence([4, 5, 6, 7, 8], history.Publications.Select(static publication => publication.Offset));
        Expect.Equal(8, history.Top.Offset);
    }

    private static async Task ReadHistory_SinceLimitReverse_AreAsDescribed(BrokerContract contract)
    {
        (IBroker broker, _) = await contract.StartAsync();
        StreamPosition top = default;
        for (int i = 1; i <= 5; i++)
        {
            top = await contract.PublishAsync(broker, i.ToString(CultureInfo.InvariantCulture));
        }

        StreamPosition At(long offset) => new(top.Epoch, offset);
        async Task IsReadAsync(string[] texts, HistoryQuery query)
            => Expect.Sequence(texts, Texts(await contract.ReadAsync(broker, query)), $"the publications of {query}");

        await IsReadAsync(["3", "4", "5"], new(At(2), -1));
        await IsReadAsync(["3", "4"], new(At(2), 2));
        await IsReadAsync([], new(At(5), -1));
        await IsReadAsync([], new(At(99), -1));
        await IsReadAsync(["1", "2"], new(null, 2));
        await IsReadAsync(["5", "4"], new(null, 2, Reverse: true));
        await IsReadAsync(["3", "2", "1"], new(At(4), -1, Reverse: true));
        await IsReadAsync(["4", "5"], new(new("another", 3), -1)); // epochs are the caller's to compare
        RoomHistory none = await contract.ReadAsync(broker, new(null, 0));
        Expect.Equal((0, top), (none.Publications.Count, none.Top));
    }

    private static async Task ReadHistory_OfARoomWithoutPublications_FixesTheEpoch(BrokerContract contract)
    {
        (IBroker broker, _) = await contract.StartAsync();

        RoomHistory before = await contract.ReadAsync(broker, _everything);
        StreamPosition first = await contract.PublishAsync(broker, "a");

        Expect.Equal((0, 0L), (before.Publications.Count, before.Top.Offset));
        Expect.Different("", before.Top.Epoch);
        Expect.Equal(new StreamPosition(before.Top.Epoch, 1), first);
    }

    private static async Task History_Expires_AndTheOffsetsAndTheEpochContinue(BrokerContract contract)
    {
        (IBroker broker, _) = await contract.StartAsync();
        await contract.PublishAsync(broker, "a");
        await contract.PassAsync(TimeSpan.FromSeconds(1.2));
        StreamPosition second = await contract.PublishAsync(broker, "b"); // prolongs the life of both
        await contract.PassAsync(TimeSpan.FromSeconds(1.2));
        RoomHistory alive = await contract.ReadAsync(broker, _everything);
        await contract.PassAsync(TimeSpan.FromSeconds(1.2));

        RoomHistory expired = await contract.ReadAsync(broker, _everything);
        StreamPosition third = await contract.PublishAsync(broker, "c");

        Expect.Sequence(["a", "b"], Texts(alive));
        Expect.Equal(0, expired.Publications.Count);
        Expect.Equal(second, expired.Top);
        Expect.Equal(new StreamPosition(second.Epoch, 3), third);
        Expect.Sequence(["c"], Texts(await contract.ReadAsync(broker, _everything)));
    }

    private static async Task RemoveHistory_KeepsTheNumbersAndTheEpoch(BrokerContract contract)
    {
        (IBroker broker, _) = await contract.StartAsync();
        StreamPosition first = await contract.PublishAsync(broker, "a");

        await broker.RemoveHistoryAsync(contract.Room, default).Within();

        RoomHistory removed = await contract.ReadAsync(broker, _everything);
        Expect.Equal((0, first), (removed.Publications.Count, removed.Top));
        Expect.Equal(new StreamPosition(first.Epoch, 2), await contract.PublishAsync(broker, "b"));
    }

    private static async Task Publish_AfterLoss_SkipsAnOffset(BrokerContract contract)
    {
        (IBroker broker, RecordingSink sink) = await contract.StartAsync();
        await broker.SubscribeAsync(contract.Room, default).Within();
        StreamPosition first = await contract.PublishAsync(broker, "a");

        Publication afterLoss = new() { Data = "b"u8.ToArray(), IsAfterLoss = true };
        StreamPosition third = await broker.PublishAsync(contract.Room, afterLoss, BrokerContract.Kept, default).Within();
        await sink.WaitForAsync(contract.Room, 2);

        Expect.Equal(new StreamPosition(first.Epoch, 3), third);
        Expect.Sequence([1, 3], sink.PublicationsOf(contract.Room).Select(static each => each.Publication.Offset));
        Expect.Sequence([1, 3], (await contract.ReadAsync(broker, _everything)).Publications.Select(static each => each.Offset));
    }

    // No effect is permitted: then positions do not show publications that were delivered without an offset.
    private static async Task Skip_ShowsAtTheTopAndInTheNextOffset(BrokerContract contract)
    {
        (IBroker broker, _) = await contract.StartAsync();

        StreamPosition before = await broker.SkipAsync(contract.Room, BrokerContract.Kept, default).Within(); // of no sequence yet
        StreamPosition first = await contract.PublishAsync(broker, "a");
        StreamPosition skipped = await broker.SkipAsync(contract.Room, BrokerContract.Kept, default).Within();
        RoomHistory history = await contract.ReadAsync(broker, _everything);
        StreamPosition next = await contract.PublishAsync(broker, "b");

        Expect.Equal(before.Offset + 1, first.Offset);
        StreamPosition top = skipped == default ? first : first with { Offset = first.Offset + 1 };
        Expect.Equal(skipped == default ? default : top, skipped);
        Expect.Equal(top, history.Top);
        Expect.Sequence(["a"], Texts(history));
        Expect.Equal(top with { Offset = top.Offset + 1 }, next);
    }

    private static IEnumerable<string> Texts(RoomHistory history) => history.Publications.Select(static publication => publication.Text());
}
