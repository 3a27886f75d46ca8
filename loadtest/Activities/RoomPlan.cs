using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Activities;

/// <summary>
/// The members of each room. By number, connections are: the publisher of each room, the publisher of the flood and its slow
/// subscribers if there are any, then the members. Rooms are filled one after another, so a member is in as many as it takes,
/// and in an idle room, without publications, when all are full. Each worker has rooms of its own.
/// </summary>
internal sealed class RoomPlan
{
    private const int IdleMembers = 1000;

    private readonly WorkerPlan _plan;
    private readonly int _firstMember;
    private readonly int _members;

    public RoomPlan(WorkerPlan plan)
    {
        _plan = plan;
        _firstMember = plan.Rooms + (plan.Slow > 0 ? plan.Slow + 1 : 0);
        _members = plan.Connections - _firstMember;
    }

    /// <summary>The fault of the plan; null if it has none.</summary>
    public string? Problem
        => _plan.Rooms > 0 && (_plan.MembersPerRoom < 1 || _members < _plan.MembersPerRoom)
            ? $"{Math.Max(0, _members)} connections are left for rooms of {_plan.MembersPerRoom} members."
            : null;

    public int FloodPublisher => _plan.Rooms;

    public IEnumerable<int> SlowOnes => Enumerable.Range(_plan.Rooms + 1, _plan.Slow);

    /// <summary>All places in all rooms are numbered, a room's one after another. Members take them in turns.</summary>
    public int Places => _plan.Rooms * _plan.MembersPerRoom;

    /// <summary>Members that are in no room that is published to.</summary>
    public (int First, int Count) IdleConnections => (_firstMember + Math.Min(_members, Places), Math.Max(0, _members - Places));

    public string FloodName => $"flood-{_plan.Worker}";

    public static int PublisherOf(int room) => room;

    public bool IsSlow(int connection) => connection > _plan.Rooms && connection < _firstMember;

    public bool IsMember(int connection) => connection >= _firstMember;

    public int RoomOf(int place) => place / _plan.MembersPerRoom;

    public IEnumerable<int> PlacesOf(int member)
    {
        for (int place = member - _firstMember; place < Places; place += _members)
        {
            yield return place;
        }
    }

    /// <summary>The member's place in a room; -1 when it has none there.</summary>
    public int PlaceIn(int room, int member)
    {
        int place = member - _firstMember;
        while (place < Places && RoomOf(place) != room)
        {
            place += _members;
        }

        return place < Places ? place : -1;
    }

    public IReadOnlyList<string> RoomsOf(int connection)
    {
        if (connection < _plan.Rooms)
        {
            return [NameOf(connection)];
        }

        if (!IsMember(connection))
        {
            return [FloodName];
        }

        string[] rooms = [.. PlacesOf(connection).Select(place => NameOf(RoomOf(place)))];
        return rooms.Length > 0 ? rooms : [$"idle-{_plan.Worker}-{connection / IdleMembers}"];
    }

    public string NameOf(int room) => $"load-{_plan.Worker}-{room}";
}
