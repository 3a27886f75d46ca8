using Microsoft.Extensions.Time.Testing;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;
using Xunit;

namespace Weir.Relay.Tests.Brokers;

public sealed class MemoryBrokerTests : BrokerContract
{
    private static readonly RoomRule _kept = new() { HistorySize = 3, HistoryTtl = TimeSpan.FromMinutes(1) };

    private readonly FakeTimeProvider _time = new();
    private readonly MemoryBrokerOptions _options = new();

    public static TheoryData<string> Cases => [.. CaseNames];

    [Theory]
    [MemberData(nameof(Cases))]
    public Task Contract(string name) => RunAsync(name);

    protected override ValueTask<IBroker> CreateAsync() => new(new MemoryBroker(_options, _time));

    protected override Task PassAsync(TimeSpan time)
    {
        _time.Advance(time);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task RoomUnusedForLong_IsRemoved_AndReturnsWithAnotherEpoch()
    {
        MemoryBroker broker = (MemoryBroker)(await StartAsync()).Broker;
        StreamPosition before = await PublishAsync(broker, "a");

        _time.Advance(_options.UnusedRoomLifetime - TimeSpan.FromSeconds(1));
        StreamPosition still = await PublishAsync(broker, "b");
        _time.Advance(_options.UnusedRoomLifetime + MemoryBroker.SweepInterval);
        int rooms = broker.RoomCount;
        StreamPosition after = await PublishAsync(broker, "c");

        Assert.Equal(new StreamPosition(before.Epoch, 2), still);
        Assert.Equal(0, rooms);
        Assert.NotEqual(before.Epoch, after.Epoch);
        Assert.Equal(1, after.Offset);
    }

    [Fact]
    public async Task RoomThatIsSubscribedTo_IsNeverForgotten()
    {
        (IBroker broker, _) = await StartAsync();
        await broker.SubscribeAsync(Room, default);
        StreamPosition before = await PublishAsync(broker, "a");

        _time.Advance(_options.UnusedRoomLifetime * 2);

        Assert.Equal(new StreamPosition(before.Epoch, 2), await PublishAsync(broker, "b"));
    }

    [Fact]
    public async Task HistoryBytes_AreCounted_AndGoBackToZero()
    {
        MemoryBroker broker = (MemoryBroker)(await StartAsync()).Broker;
        for (int i = 0; i < 5; i++)
        {
            await broker.PublishAsync(Room, "1234567890".ToPublication(), _kept, default);
        }

        Assert.Equal(30, broker.HistoryBytes);
        _time.Advance(_kept.HistoryTtl + MemoryBroker.SweepInterval); // the sweep, without a reader
        Assert.Equal(0, broker.HistoryBytes);
    }

    [Fact]
    public async Task HistoryBytes_BeyondTheBound_KeepNothingAndLoseNoOffset()
    {
        _options.MaxHistoryBytes = 25;
        MemoryBroker broker = (MemoryBroker)(await StartAsync()).Broker;
        for (int i = 0; i < 3; i++)
        {
            await broker.PublishAsync(Room, "1234567890".ToPublication(), _kept, default);
        }

        RoomHistory history = await broker.ReadHistoryAsync(Room, new(null, -1), _kept, default);

        Assert.Equal((0, 3L, 0L), (history.Publications.Count, history.Top.Offset, broker.HistoryBytes));
    }

    [Fact]
    public async Task Publish_ToOneRoomTooMany_Fails()
    {
        _options.MaxRooms = 2;
        (IBroker broker, _) = await StartAsync();
        await broker.PublishAsync("a", "x".ToPublication(), _kept, default);
        await broker.PublishAsync("b", "x".ToPublication(), _kept, default);

        BrokerUnavailableException error = await Assert.ThrowsAsync<BrokerUnavailableException>(
            async () => await broker.PublishAsync("c", "x".ToPublication(), _kept, default));

        Assert.False(error.IsUnknown);
        Assert.Equal(2, (await broker.PublishAsync("a", "y".ToPublication(), _kept, default)).Offset);
    }

    [Fact]
    public async Task PresenceThatEnds_IsALeave()
    {
        (IBroker broker, RecordingSink sink) = await StartAsync();
        await broker.SubscribeAsync(Room, default);
        await broker.SetPresenceAsync(Room, new RoomMember("gone", "", default, default), TimeSpan.FromSeconds(10), default);

        _time.Advance(TimeSpan.FromSeconds(10) + MemoryBroker.SweepInterval);

        Assert.Equal(["+gone", "-gone"], sink.PresenceOf(Room));
    }

    [Fact]
    public async Task Rooms_ForgottenWhileOthersPublish_NumberWithoutGapsInEachEpoch()
    {
        _options.UnusedRoomLifetime = TimeSpan.Zero;
        RoomRule brief = _kept with { HistoryTtl = TimeSpan.FromTicks(1) };
        (IBroker broker, _) = await StartAsync();
        Task<List<StreamPosition>> publisher = Task.Run(async () =>
        {
            List<StreamPosition> positions = [];
            for (int i = 0; i < 20_000; i++)
            {
                positions.Add(await broker.PublishAsync(Room, "x".ToPublication(), brief, default));
            }

            return positions;
        });
        while (!publisher.IsCompleted)
        {
            _time.Advance(MemoryBroker.SweepInterval);
        }

        foreach (IGrouping<string, StreamPosition> epoch in (await publisher.Within()).GroupBy(static position => position.Epoch))
        {
            Assert.Equal(Enumerable.Range(1, epoch.Count()).Select(static i => (long)i), epoch.Select(static position => position.Offset));
        }
    }
}
