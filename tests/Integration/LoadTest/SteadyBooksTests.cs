using System.Diagnostics;
using Weir.LoadTest.Steady;
using Xunit;

namespace Weir.Integration.LoadTest;

/// <summary>Who is in which room, and what is expected to arrive: what the load test's verdict stands on.</summary>
public sealed class SteadyBooksTests
{
    private static readonly SteadyOptions _options = new(
        new Uri("ws://localhost/ws"), Connections: 30, Rooms: 4, MembersPerRoom: 10, PublishRate: 1, PayloadBytes: 100, Slow: 3,
        SlowFor: TimeSpan.FromSeconds(1), Hold: TimeSpan.FromSeconds(2), OpenRate: 0, Patience: TimeSpan.Zero, ExpectDrain: false,
        DrainTimeout: TimeSpan.Zero, ServerPid: null, MaxP99Milliseconds: 0, MaxBytesPerConnection: 0);

    [Theory]
    [InlineData(30, 10)] // 22 members for 40 places: in one room or two
    [InlineData(70, 10)] // more than places: the others are in a quiet room
    [InlineData(18, 10)] // 10 members: each in all rooms
    public void Plan_AnyNumbers_EveryRoomHasItsMembersOnce(int connections, int membersPerRoom)
    {
        SteadyOptions options = _options with { Connections = connections, MembersPerRoom = membersPerRoom };
        RoomPlan plan = new(options);
        string[] queries = [.. Enumerable.Range(0, connections).Select(plan.QueryOf)];

        for (int room = 0; room < options.Rooms; room++)
        {
            int[] inRoom = [.. Enumerable.Range(0, connections).Where(each => queries[each].Split('&').Contains($"room=load-{room}"))];
            Assert.Equal(1 + membersPerRoom, inRoom.Length);
            Assert.Equal(RoomPlan.PublisherOf(room), Assert.Single(inRoom, each => !plan.IsMember(each)));
            Assert.All(inRoom.Where(plan.IsMember), member => Assert.Equal(room, plan.RoomOf(plan.PlaceIn(room, member))));
        }

        Assert.Equal(4, queries.Count(static query => query == "room=flood"));
        Assert.All(plan.SlowOnes, slow => Assert.True(plan.IsSlow(slow) && queries[slow] == "room=flood"));
        Assert.DoesNotContain(queries, static query => query.Length == 0);
    }

    [Fact]
    public void Ledger_MissingLateDoubleAndStrange_AreNotDelivered()
    {
        RoomPlan plan = new(_options);
        DeliveryLedger ledger = new(plan, _options);
        int member = Enumerable.Range(0, 30).First(plan.IsMember);
        int room = plan.RoomOf(plan.PlacesOf(member).First());
        long now = Stopwatch.GetTimestamp();
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(i, ledger.Publish(room));
        }

        ledger.Deliver(member, now, room, 0);
        ledger.Deliver(member, now, room, 2); // 1 is missing
        ledger.Deliver(member, now, room, 2); // twice
        ledger.Deliver(member, now, room, 1); // too late
        ledger.Deliver(member, now, 99, 0); // no such room

        Assert.Equal((40, 2, 3), (ledger.Expected, ledger.Got, ledger.Misplaced));
        ledger.Lose(member);
        ledger.Publish(room);
        Assert.Equal(49, ledger.Expected);
    }
}
