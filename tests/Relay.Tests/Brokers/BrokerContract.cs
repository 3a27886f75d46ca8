using System.Globalization;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Testing;
using Xunit;

namespace Weir.Relay.Tests.Brokers;

/// <summary>
/// What every broker must do. A test class of a broker derives from this; a project of another broker's tests takes this
/// file and <see cref="RecordingSink"/> in by a link. Rooms have names of their own, so one server may serve all tests.
/// </summary>
public abstract class BrokerContract : IAsyncLifetime
{
    private static readonly RoomRule _kept = new() { HistorySize = 5, HistoryTtl = TimeSpan.FromSeconds(2) };
    private static readonly HistoryQuery _all = new(Since: null, Limit: -1);

    private readonly List<IBroker> _brokers = [];

    /// <summary>A room of this test only.</summary>
    protected string Room { get; } = "contract:" + Guid.NewGuid().ToString("N");

    /// <summary>A broker that has not been started, of a node of its own where there are several.</summary>
    protected abstract ValueTask<IBroker> CreateAsync();

    /// <summary>Lets so much time pass for the broker.</summary>
    protected abstract Task PassAsync(TimeSpan time);

    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual async ValueTask DisposeAsync()
    {
        foreach (IBroker broker in _brokers)
        {
            await broker.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Publish_WithHistory_NumbersFromOneWithoutGaps()
    {
        (IBroker broker, _) = await StartAsync();

        List<StreamPosition> positions = [];
        for (int i = 0; i < 4; i++)
        {
            positions.Add(await PublishAsync(broker, i.ToString(CultureInfo.InvariantCulture)));
        }

        Assert.Equal([1, 2, 3, 4], positions.Select(static position => position.Offset));
        Assert.NotEqual("", Assert.Single(positions.Select(static position => position.Epoch).Distinct()));
    }

    [Fact]
    public async Task Publish_WithoutHistory_HasNoNumber()
    {
        (IBroker broker, RecordingSink sink) = await StartAsync();
        await broker.SubscribeAsync(Room, default).Within();

        StreamPosition position = await PublishAsync(broker, "a", RoomRule.Default);
        await sink.HasHeardAsync(Room, 1);

        Assert.Equal(0, position.Offset);
        Assert.Equal(0, sink.PublicationsOf(Room)[0].Publication.Offset);
        Assert.Empty((await broker.ReadHistoryAsync(Room, _all, RoomRule.Default, default).Within()).Publications);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public async Task Publish_ToARoomSubscribedTo_IsAnnouncedWithAllThatBelongsToIt(int historySize)
    {
        RoomRule rule = _kept with { HistorySize = historySize };
        (IBroker broker, RecordingSink sink) = await StartAsync();
        await broker.SubscribeAsync(Room, default).Within();
        Publication publication = new()
        {
            Data = new byte[] { 0, 1, 255, 13, 10 },
            Kind = MessageKind.Binary,
            Key = "EUR/USD",
            Info = """{"client":"c"}"""u8.ToArray(),
            Node = sink.NodeId,
            NodeSequence = long.MaxValue - 1,
        };

        StreamPosition position = await broker.PublishAsync(Room, publication, rule, default).Within();
        await sink.HasHeardAsync(Room, 1);

        (Publication heard, string epoch) = sink.PublicationsOf(Room)[0];
        AssertSame(publication.WithOffset(position.Offset), heard);
        if (rule.KeepsHistory)
        {
            Assert.Equal(position.Epoch, epoch);
            AssertSame(heard, Assert.Single((await broker.ReadHistoryAsync(Room, _all, rule, default).Within()).Publications));
        }
    }

    [Fact]
    public async Task Publish_OfNoInfoKeyAndNode_ComesOutAsSuch()
    {
        (IBroker broker, RecordingSink sink) = await StartAsync();
        await broker.SubscribeAsync(Room, default).Within();

        await PublishAsync(broker, "");
        await sink.HasHeardAsync(Room, 1);

        Publication heard = sink.PublicationsOf(Room)[0].Publication;
        Assert.Null(heard.Key);
        Assert.Null(heard.Node);
        Assert.Equal((0, 0, 0L), (heard.Data.Length, heard.Info.Length, heard.NodeSequence));
        Assert.Equal(MessageKind.Text, heard.Kind);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    public async Task Publish_ManyWithoutWaiting_AreAnnouncedInTheOrderOfTheCalls(int historySize)
    {
        RoomRule rule = _kept with { HistorySize = historySize };
        (IBroker broker, RecordingSink sink) = await StartAsync();
        await broker.SubscribeAsync(Room, default).Within();

        Task<StreamPosition>[] publishes =
        [
            .. Enumerable.Range(1, 500).Select(i =>
                broker.PublishAsync(Room, i.ToString(CultureInfo.InvariantCulture).ToPublication(), rule, default).AsTask()),
        ];
        StreamPosition[] positions = await Task.WhenAll(publishes).Within();
        await sink.HasHeardAsync(Room, 500);

        Assert.Equal(Enumerable.Range(1, 500).Select(static i => i.ToString(CultureInfo.InvariantCulture)), sink.TextsOf(Room));
        if (rule.KeepsHistory)
        {
            Assert.Equal(Enumerable.Range(1, 500).Select(static i => (long)i), positions.Select(static position => position.Offset));
            Assert.Equal(positions.Select(static position => position.Offset), sink.PublicationsOf(Room)
                .Select(static each => each.Publication.Offset));
        }
    }

    [Fact]
    public async Task Publish_FromManyThreads_NumbersEachOnceAndAnnouncesInThatOrder()
    {
        RoomRule rule = _kept with { HistorySize = 1000 };
        (IBroker broker, RecordingSink sink) = await StartAsync();
        await broker.SubscribeAsync(Room, default).Within();

        StreamPosition[][] positions = await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(async () =>
        {
            List<StreamPosition> own = [];
            for (int i = 0; i < 50; i++)
            {
                own.Add(await broker.PublishAsync(Room, $"{thread}:{i}".ToPublication(), rule, default));
            }

            return own.ToArray();
        }))).Within();
        await sink.HasHeardAsync(Room, 400);

        Assert.Equal(Enumerable.Range(1, 400).Select(static i => (long)i), positions.SelectMany(static own => own)
            .Select(static p => p.Offset).Order());
        Assert.Equal(Enumerable.Range(1, 400).Select(static i => (long)i), sink.PublicationsOf(Room)
            .Select(static each => each.Publication.Offset));
        RoomHistory history = await broker.ReadHistoryAsync(Room, _all, rule, default).Within();
        Assert.Equal(sink.TextsOf(Room), history.Publications.Select(static publication => publication.Text()));
    }

    [Fact]
    public async Task Unsubscribe_EndsTheAnnouncementsOfThatRoomOnly()
    {
        (IBroker broker, RecordingSink sink) = await StartAsync();
        string other = Room + ":other";
        await broker.SubscribeAsync(Room, default).Within();
        await broker.SubscribeAsync(Room, default).Within(); // idempotent: one unsubscribe ends it
        await broker.SubscribeAsync(other, default).Within();

        await broker.UnsubscribeAsync(Room, default).Within();
        await PublishAsync(broker, "unheard");
        await broker.PublishAsync(other, "heard".ToPublication(), _kept, default).Within();
        await sink.HasHeardAsync(other, 1);
        await broker.SubscribeAsync(Room, default).Within();
        await PublishAsync(broker, "heard again");
        await sink.HasHeardAsync(Room, 1);

        Assert.Equal(["heard again"], sink.TextsOf(Room));
        Assert.Equal(2, sink.PublicationsOf(Room)[0].Publication.Offset);
    }

    [Fact]
    public async Task ReadHistory_IsBoundedByTheRule_AndTheTopGoesOn()
    {
        (IBroker broker, _) = await StartAsync();
        for (int i = 1; i <= 8; i++)
        {
            await PublishAsync(broker, i.ToString(CultureInfo.InvariantCulture));
        }

        RoomHistory history = await ReadAsync(broker, _all);

        Assert.Equal(["4", "5", "6", "7", "8"], Texts(history));
        Assert.Equal([4, 5, 6, 7, 8], history.Publications.Select(static publication => publication.Offset));
        Assert.Equal(8, history.Top.Offset);
    }

    [Fact]
    public async Task ReadHistory_SinceLimitReverse_AreAsDescribed()
    {
        (IBroker broker, _) = await StartAsync();
        StreamPosition top = default;
        for (int i = 1; i <= 5; i++)
        {
            top = await PublishAsync(broker, i.ToString(CultureInfo.InvariantCulture));
        }

        StreamPosition At(long offset) => new(top.Epoch, offset);
        Assert.Equal(["3", "4", "5"], Texts(await ReadAsync(broker, new(At(2), -1))));
        Assert.Equal(["3", "4"], Texts(await ReadAsync(broker, new(At(2), 2))));
        Assert.Equal([], Texts(await ReadAsync(broker, new(At(5), -1))));
        Assert.Equal([], Texts(await ReadAsync(broker, new(At(99), -1))));
        Assert.Equal(["1", "2"], Texts(await ReadAsync(broker, new(null, 2))));
        Assert.Equal(["5", "4"], Texts(await ReadAsync(broker, new(null, 2, Reverse: true))));
        Assert.Equal(["3", "2", "1"], Texts(await ReadAsync(broker, new(At(4), -1, Reverse: true))));
        Assert.Equal(["4", "5"], Texts(await ReadAsync(broker, new(new("another", 3), -1)))); // epochs are the caller's to compare
        RoomHistory none = await ReadAsync(broker, new(null, 0));
        Assert.Equal((0, top), (none.Publications.Count, none.Top));
    }

    [Fact]
    public async Task ReadHistory_OfARoomNobodyHasPublishedTo_FixesTheEpoch()
    {
        (IBroker broker, _) = await StartAsync();

        RoomHistory before = await ReadAsync(broker, _all);
        StreamPosition first = await PublishAsync(broker, "a");

        Assert.Equal((0, 0L), (before.Publications.Count, before.Top.Offset));
        Assert.NotEqual("", before.Top.Epoch);
        Assert.Equal(new StreamPosition(before.Top.Epoch, 1), first);
    }

    [Fact]
    public async Task History_Expires_AndTheNumbersAndTheEpochGoOn()
    {
        (IBroker broker, _) = await StartAsync();
        await PublishAsync(broker, "a");
        await PassAsync(TimeSpan.FromSeconds(1.2));
        StreamPosition second = await PublishAsync(broker, "b"); // prolongs the life of both
        await PassAsync(TimeSpan.FromSeconds(1.2));
        RoomHistory alive = await ReadAsync(broker, _all);
        await PassAsync(TimeSpan.FromSeconds(1.2));

        RoomHistory expired = await ReadAsync(broker, _all);
        StreamPosition third = await PublishAsync(broker, "c");

        Assert.Equal(["a", "b"], Texts(alive));
        Assert.Empty(expired.Publications);
        Assert.Equal(second, expired.Top);
        Assert.Equal(new StreamPosition(second.Epoch, 3), third);
        Assert.Equal(["c"], Texts(await ReadAsync(broker, _all)));
    }

    [Fact]
    public async Task RemoveHistory_KeepsTheNumbersAndTheEpoch()
    {
        (IBroker broker, _) = await StartAsync();
        StreamPosition first = await PublishAsync(broker, "a");

        await broker.RemoveHistoryAsync(Room, default).Within();

        Assert.Equal((0, first), ((await ReadAsync(broker, _all)).Publications.Count, (await ReadAsync(broker, _all)).Top));
        Assert.Equal(new StreamPosition(first.Epoch, 2), await PublishAsync(broker, "b"));
    }

    [Fact]
    public async Task Presence_ShowsWhoIsThere_AndTellsOfJoinsAndLeavesOnce()
    {
        (IBroker broker, RecordingSink sink) = await StartAsync();
        await broker.SubscribeAsync(Room, default).Within();
        RoomMember ann = new("client-1", "ann", """{"name":"Ann"}"""u8.ToArray(), default);
        RoomMember bob = new("client-2", "", default, """{"role":"guest"}"""u8.ToArray());

        await SetPresenceAsync(broker, ann);
        await SetPresenceAsync(broker, bob);
        await SetPresenceAsync(broker, ann); // a refresh is no join
        IReadOnlyList<RoomMember> both = await broker.ReadPresenceAsync(Room, default).Within();
        await broker.RemovePresenceAsync(Room, "client-1", default).Within();
        await broker.RemovePresenceAsync(Room, "client-1", default).Within();
        await broker.RemovePresenceAsync(Room, "nobody", default).Within();
        IReadOnlyList<RoomMember> left = await broker.ReadPresenceAsync(Room, default).Within();
        await SetPresenceAsync(broker, new RoomMember("last", "", default, default));

        Assert.Equal(["client-1", "client-2"], both.Select(static member => member.Client).Order());
        RoomMember readAnn = both.Single(static member => member.Client == "client-1");
        Assert.Equal("ann", readAnn.User);
        Assert.Equal("""{"name":"Ann"}"""u8, readAnn.ConnectionInfo.Span);
        Assert.Equal(0, readAnn.RoomInfo.Length);
        Assert.Equal(["client-2"], left.Select(static member => member.Client));
        await Bounded.Eventually(() => sink.PresenceOf(Room).Count >= 4);
        Assert.Equal(["+client-1", "+client-2", "-client-1", "+last"], sink.PresenceOf(Room));
    }

    [Fact]
    public async Task Presence_ThatIsNotRefreshed_Ends()
    {
        (IBroker broker, _) = await StartAsync();
        RoomMember stays = new("stays", "", default, default);
        await SetPresenceAsync(broker, stays);
        await SetPresenceAsync(broker, new RoomMember("goes", "", default, default));

        await PassAsync(TimeSpan.FromSeconds(1.2));
        await SetPresenceAsync(broker, stays);
        await PassAsync(TimeSpan.FromSeconds(1.2));

        Assert.Equal(["stays"], (await broker.ReadPresenceAsync(Room, default).Within()).Select(static member => member.Client));
    }

    /// <summary>Starts a broker with a sink of its own; it is disposed with the test.</summary>
    private protected async Task<(IBroker Broker, RecordingSink Sink)> StartAsync()
    {
        IBroker broker = await CreateAsync();
        _brokers.Add(broker);
        RecordingSink sink = new("node-" + Guid.NewGuid().ToString("N"));
        await broker.StartAsync(sink, CancellationToken.None).Within();
        await Bounded.Eventually(() => broker.Health == BrokerHealth.Up);
        return (broker, sink);
    }

    private protected Task<StreamPosition> PublishAsync(IBroker broker, string text, RoomRule? rule = null)
        => broker.PublishAsync(Room, text.ToPublication(), rule ?? _kept, CancellationToken.None).Within();

    private protected Task<RoomHistory> ReadAsync(IBroker broker, HistoryQuery query)
        => broker.ReadHistoryAsync(Room, query, _kept, CancellationToken.None).Within();

    private Task SetPresenceAsync(IBroker broker, RoomMember member)
        => broker.SetPresenceAsync(Room, member, TimeSpan.FromSeconds(2), CancellationToken.None).Within();

    private static IEnumerable<string> Texts(RoomHistory history) => history.Publications.Select(static publication => publication.Text());

    private static void AssertSame(Publication expected, Publication actual)
    {
        Assert.Equal(expected.Data.Span, actual.Data.Span);
        Assert.Equal(expected.Info.Span, actual.Info.Span);
        Assert.Equal(
            (expected.Kind, expected.Offset, expected.Key, expected.Node, expected.NodeSequence),
            (actual.Kind, actual.Offset, actual.Key, actual.Node, actual.NodeSequence));
    }
}
