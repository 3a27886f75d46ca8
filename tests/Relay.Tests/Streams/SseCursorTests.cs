using System.Globalization;
using System.Text.Json;
using Weir.Connections;
using Weir.Handshake;
using Weir.Relay.Access;
using Weir.Relay.Brokers;
using Weir.Relay.Streams;
using Weir.Relay.Tests.Nodes;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Relay.Tests.Streams;

/// <summary>
/// An id covers only what was written before it in its stream: wherever a stream breaks, the client that returns with the
/// last id is given what is missing, or is notified of the loss.
/// </summary>
public sealed class SseCursorTests : IAsyncDisposable
{
    private static readonly RoomRule _rule = new() { Pattern = "kept*", HistorySize = 8, HistoryTtl = TimeSpan.Zero };

    private readonly ScriptedBroker _broker = new();
    private RelayWorld? _world;

    private RelayWorld World => _world!;

    public async ValueTask DisposeAsync()
    {
        if (_world is not null)
        {
            await _world.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(SseId.MostPositions)]
    [InlineData(SseId.MostPositions + 1)]
    [InlineData(50)]
    public async Task Break_WhileRoomsCatchUp_IsResumedOrNotifiedWhereverItIs(int rooms)
    {
        await StartAsync();
        string query = QueryOf(rooms);
        string start = await IdAfterAsync(query, rooms, publications: 1);
        // Of every third room more than the history keeps, so that it is lost; the others are caught up with.
        _broker.OnReadHistory = (room, asked) => Task.FromResult(_broker.Read(room, asked, from: IsTrimmed(room) ? 15 : 1));
        Publish(rooms, each: 20);

        string whole = await WholeAsync(query, start, () => Publish(rooms, each: 1),
            text => Given(text) == ((rooms - ((rooms + 1) / 3)) * 20) + rooms);
        IReadOnlyList<SeenEvent> events = SseClient.Parse(whole);
        Assert.Equal(rooms, events.Count(static each => each.Data.Length > 0 && each.Name.Length == 0
            && each.Data.EndsWith("#22", StringComparison.Ordinal)));

        foreach (int cut in CutsOf(events.Count))
        {
            string back = await WholeAsync(query, events[cut - 1].Id);
            AssertComplete(rooms, events.Take(cut), SseClient.Parse(back), first: 1, last: 22);
        }
    }

    [Fact]
    public async Task BrokerUnavailableAtTheReturn_IdsKeepThePositionsOfRoomsThatDidNotAnswer()
    {
        await StartAsync();
        string query = QueryOf(3);
        string start = await IdAfterAsync(query, 3, publications: 2);
        _broker.OnReadHistory = (room, asked) => room == "kept1"
            ? Task.FromException<RoomHistory>(new BrokerUnavailableException("away", isUnknown: false))
            : Task.FromResult(_broker.Read(room, asked));
        Publish(3, each: 1);

        using SseClient client = SseClient.Open(NewEndpoint(), query, start);
        await client.Serving.Within();

        Assert.Contains("\nretry: ", client.Text, StringComparison.Ordinal);
        _broker.OnReadHistory = null;
        string back = await WholeAsync(query, client.LastId);
        AssertComplete(3, client.Events, SseClient.Parse(back), first: 2, last: 3);
    }

    [Fact]
    public async Task BrokerUnavailableAtTheReturn_OfAStreamWhosePositionsItKeeps_KeepsTheId()
    {
        await StartAsync();
        string query = QueryOf(40);
        string start = await IdAfterAsync(query, 40, publications: 1);
        _broker.OnReadHistory = (_, _) => Task.FromException<RoomHistory>(new BrokerUnavailableException("away", isUnknown: false));

        using SseClient client = SseClient.Open(NewEndpoint(), query, start);
        await client.Serving.Within();

        Assert.Equal("", client.LastId); // so a browser returns with the one that it has
        Assert.Contains("retry: ", client.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BrokerThatCannotKeepThePositions_EndsTheStreamWithTheLastIdThatIsTrue()
    {
        await StartAsync();
        string query = QueryOf(40);
        string start = await IdAfterAsync(query, 40, publications: 1);
        _broker.OnPublish = static (room, _) => room.StartsWith("$weir:stream:", StringComparison.Ordinal)
            ? ValueTask.FromException<StreamPosition>(new BrokerUnavailableException("full", isUnknown: false))
                : new(new StreamPosition("e1", 1));

        using SseClient client = SseClient.Open(NewEndpoint(), query, start);
        await client.Serving.Within();

        Assert.Equal("", client.LastId);
        Assert.Contains("retry: ", client.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PositionsThatTheBrokerHasForgotten_AreALossOfEveryRoom()
    {
        await StartAsync();
        string query = QueryOf(20);
        string start = await IdAfterAsync(query, 20, publications: 1);
        _broker.Forget("e2");

        string back = await WholeAsync(query, start, () => Publish(20, each: 1), static text => Given(text) == 20);

        IReadOnlyList<SeenEvent> events = SseClient.Parse(back);
        Assert.Equal(20, events.Count(static each => each.Name == "lost"));
        Assert.Equal(20, events.Count(static each => each.Name.Length == 0 && each.Data.Length > 0));
    }

    [Fact]
    public async Task RoomsInAnotherOrder_OrOthers_OrMore_AreALossOfEveryRoomWithHistory()
    {
        await StartAsync();
        string start = await IdAfterAsync(QueryOf(2), 2, publications: 1);
        foreach ((string query, int rooms) in ((string, int)[])[("?room=kept1&room=kept0", 2), ("?room=kept0&room=kept2", 2), (QueryOf(3), 3)])
        {
            using SseClient client = SseClient.Open(NewEndpoint(), query, start);
            await Bounded.Eventually(() => client.Events.Count(static each => each.Name == "lost") == rooms);
            client.Abort();
        }
    }

    [Fact]
    public async Task IdThatCannotBeRead_StaysALoss_UntilTheLossIsWritten()
    {
        await StartAsync();
        Publish(2, each: 3);
        using SseClient client = SseClient.Open(NewEndpoint(), QueryOf(2), "nonsense");
        await Bounded.Eventually(() => client.Events.Count(static each => each.Name == "lost") == 2);
        client.Abort();

        foreach (SeenEvent seen in client.Events.TakeWhile(static each => each.Name != "lost"))
        {
            string back = await WholeAsync(QueryOf(2), seen.Id);
            Assert.Equal(2, SseClient.Parse(back).Count(static each => each.Name == "lost"));
        }

        Assert.DoesNotContain("event: lost", await WholeAsync(QueryOf(2), client.LastId), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("e1:3")]
    public async Task BrokerThatIsNotUpYet_EndsTheStreamOfARoomWithHistory_AndLosesNoPosition(string? last)
    {
        await StartAsync();
        _broker.OnReadHistory = static (_, _)
            => Task.FromException<RoomHistory>(new BrokerUnavailableException("not up yet", isUnknown: false));

        using SseClient client = SseClient.Open(NewEndpoint(), "?room=kept0", last);
        await client.Serving.Within();

        Assert.Equal(last ?? "", client.LastId);
        Assert.Contains("retry: ", client.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(17)]
    [InlineData(450)]
    public async Task Id_StaysBelowAKilobyte_AndDoesNotGrowWithTheRooms(int rooms)
    {
        await StartAsync();
        using SseClient client = SseClient.Open(NewEndpoint(), QueryOf(rooms));
        await client.IsOpenAsync();
        Publish(rooms, each: 2);
        await Bounded.Eventually(() => client.Events.Count == (2 * rooms) + 1, TimeSpan.FromSeconds(30));
        client.Abort();

        Assert.All(client.Events, static each => Assert.InRange(each.Id.Length, 1, 400));
        Assert.InRange(client.Events.Average(static each => each.Id.Length), 1, 250);
        int entries = _broker.Read(_broker.Streams.SingleOrDefault() ?? "", new HistoryQuery(null, -1))
            .Publications.Sum(static each => each.Data.Length);
        Assert.InRange(entries, 0, 2 * rooms * 40); // what the broker keeps does not grow faster than the events
    }

    private static bool IsTrimmed(string room)
        => room[0] == 'k' && int.Parse(room.AsSpan("kept".Length), CultureInfo.InvariantCulture) % 3 == 1;

    private static string QueryOf(int rooms)
        => "?" + string.Join('&', Enumerable.Range(0, rooms).Select(static room => $"room=kept{room}"));

    // All of them in a small stream, a few dozen in a large one.
    private static IEnumerable<int> CutsOf(int events)
    {
        int step = Math.Max(1, events / 60);
        for (int cut = 1; cut <= events; cut += step)
        {
            yield return cut;
        }
    }

    private static int Given(string text) => SseClient.Parse(text).Count(static each => each.Name.Length == 0 && each.Data.Length > 0);

    // In each room the offsets continue without a gap and without a repetition, but for one that a loss precedes.
    private static void AssertComplete(int rooms, IEnumerable<SeenEvent> before, IEnumerable<SeenEvent> after, int first, int last)
    {
        long[] given = new long[rooms];
        Array.Fill(given, first);
        foreach (SeenEvent seen in before.Concat(after))
        {
            if (seen.Name == "lost")
            {
                JsonElement loss = JsonDocument.Parse(seen.Data).RootElement;
                given[int.Parse(loss.GetProperty("room").GetString().AsSpan("kept".Length), CultureInfo.InvariantCulture)] =
                    loss.GetProperty("offset").GetInt64();
            }
            else if (seen.Data.Length > 0)
            {
                string[] parts = seen.Data.Split('#');
                int room = int.Parse(parts[0].AsSpan("kept".Length), CultureInfo.InvariantCulture);
                long number = long.Parse(parts[1], CultureInfo.InvariantCulture);
                Assert.True(number == given[room] + 1, $"room {room}: {number} follows {given[room]}");
                given[room] = number;
            }
        }

        Assert.All(given, number => Assert.Equal(last, number));
    }

    private void Publish(int rooms, int each)
    {
        for (int i = 0; i < each; i++)
        {
            for (int room = 0; room < rooms; room++)
            {
                long number = _broker.Read("kept" + room, new HistoryQuery(null, 0)).Top.Offset + 1;
                _broker.Take("kept" + room, $"kept{room}#{number}");
            }
        }
    }

    private async Task StartAsync() => _world = await RelayWorld.StartAsync(_broker, _rule);

    private SseEndpoint NewEndpoint()
    {
        WeirNode node = new(new WeirEngine(loggers: null, meters: null, World.Time));
        SseOptions options = new() { MaxDelay = TimeSpan.Zero };
        return new SseEndpoint(
            World.Node,
            node,
            OpenAccess.Instance,
            options.ToSettings(node),
            new OriginPolicy(options.AllowedOrigins),
            options.MaxHeadBytes);
    }

    private async Task<string> IdAfterAsync(string query, int rooms, int publications)
    {
        using SseClient client = SseClient.Open(NewEndpoint(), query);
        await client.IsOpenAsync();
        Publish(rooms, publications);
        await Bounded.Eventually(() => client.Events.Count > rooms * publications);
        client.Abort();
        await client.Serving.Within();
        return client.LastId;
    }

    // Everything that a stream is written, from its begin to an end behind what waits.
    private async Task<string> WholeAsync(string query, string lastId, Action? duringIt = null, Func<string, bool>? until = null)
    {
        SseEndpoint endpoint = NewEndpoint();
        using SseClient client = SseClient.Open(endpoint, query, lastId);
        await Bounded.Eventually(() => endpoint.Count == 1);
        duringIt?.Invoke();
        await Bounded.Eventually(() => until?.Invoke(client.Text) != false, what: "what is published meanwhile");
        await endpoint.DrainAsync(TimeSpan.Zero, default).Within();
        await client.Serving.Within();
        return client.Text;
    }
}
