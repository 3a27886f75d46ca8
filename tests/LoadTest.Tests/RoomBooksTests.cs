using Weir.LoadTest.Activities;
using Weir.LoadTest.Client;
using Weir.LoadTest.Workers;
using Xunit;

namespace Weir.LoadTest.Tests;

/// <summary>The members of each room, and the expected deliveries: the basis of the load test's result.</summary>
public sealed class RoomBooksTests
{
    private static readonly WorkerPlan _plan = new()
    {
        Urls = [new Uri("ws://localhost/ws")],
        Activity = ActivityKind.Rooms,
        Connections = 30,
        Rooms = 4,
        MembersPerRoom = 10,
        Slow = 3,
    };

    [Theory]
    [InlineData(30, 10)] // 22 members for 40 places: in one room or two
    [InlineData(70, 10)] // more than places: the others are in an idle room
    [InlineData(18, 10)] // 10 members: each in all rooms
    public void Plan_AnyNumbers_EveryRoomHasItsMembersOnce(int connections, int membersPerRoom)
    {
        WorkerPlan settings = _plan with { Connections = connections, MembersPerRoom = membersPerRoom };
        RoomPlan plan = new(settings);
        IReadOnlyList<string>[] rooms = [.. Enumerable.Range(0, connections).Select(plan.RoomsOf)];

        for (int room = 0; room < settings.Rooms; room++)
        {
            int[] inRoom = [.. Enumerable.Range(0, connections).Where(each => rooms[each].Contains(plan.NameOf(room)))];
            Assert.Equal(1 + membersPerRoom, inRoom.Length);
            Assert.Equal(RoomPlan.PublisherOf(room), Assert.Single(inRoom, each => !plan.IsMember(each)));
            Assert.All(inRoom.Where(plan.IsMember), member => Assert.Equal(room, plan.RoomOf(plan.PlaceIn(room, member))));
        }

        Assert.Null(plan.Problem);
        Assert.Equal(4, rooms.Count(each => each.SequenceEqual([plan.FloodName])));
        Assert.All(plan.SlowOnes, slow => Assert.True(plan.IsSlow(slow) && rooms[slow].Contains(plan.FloodName)));
        Assert.DoesNotContain(rooms, static each => each.Count == 0);
        Assert.Equal(Math.Max(0, connections - 8 - 40), plan.IdleConnections.Count);
        Assert.Equal(plan.IdleConnections.Count, rooms.Count(static each => each[0].StartsWith("idle-", StringComparison.Ordinal)));
    }

    [Fact]
    public void Plan_MoreMembersThanConnections_IsAProblem()
        => Assert.NotNull(new RoomPlan(_plan with { Connections = 17 }).Problem);

    [Fact]
    public void Ledger_MissingLateDoubleAndStrange_AreNotDelivered()
    {
        RoomPlan plan = new(_plan);
        DeliveryLedger ledger = new(plan, _plan);
        int member = Enumerable.Range(0, 30).First(plan.IsMember);
        int room = plan.RoomOf(plan.PlacesOf(member).First());
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(i, ledger.Publish(room));
        }

        Assert.True(ledger.TryDeliver(member, new Stamp(0, room, 0)));
        Assert.True(ledger.TryDeliver(member, new Stamp(0, room, 2))); // 1 is missing
        Assert.False(ledger.TryDeliver(member, new Stamp(0, room, 2))); // twice
        Assert.False(ledger.TryDeliver(member, new Stamp(0, room, 1))); // too late
        Assert.False(ledger.TryDeliver(member, new Stamp(0, 99, 0))); // no such room

        Assert.Equal((40, 2, 38), (ledger.Expected, ledger.Got, ledger.UnderWay(room)));
        ledger.Lose(member);
        ledger.Publish(room);
        Assert.Equal(49, ledger.Expected);
        ledger.Return(member);
        ledger.Publish(room);
        Assert.Equal(59, ledger.Expected);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    public void Share_AllWorkersTogether_AreTheWhole(int workers)
    {
        WorkerPlan whole = _plan with
        { Connections = 1000, Rooms = 10, Slow = 8, PublishRate = 50, OpenRate = 200, EchoRate = 30, FloodRate = 7 };

        WorkerPlan[] shares = [.. Enumerable.Range(0, workers).Select(each => whole.Share(each, workers))];

        Assert.Equal(1000, shares.Sum(static each => each.Connections));
        Assert.Equal(10, shares.Sum(static each => each.Rooms));
        Assert.Equal(8, shares.Sum(static each => each.Slow));
        Assert.Equal(50, shares.Sum(static each => each.PublishRate), precision: 6);
        Assert.Equal(200, shares.Sum(static each => each.OpenRate), precision: 6);
        Assert.Equal(30, shares.Sum(static each => each.EchoRate), precision: 6);
        Assert.Equal(7, shares.Sum(static each => each.FloodRate), precision: 6);
        Assert.All(shares, each =>
            Assert.Equal(shares.TakeWhile(other => other != each).Sum(static other => other.Connections), each.FirstNumber));
    }
}
