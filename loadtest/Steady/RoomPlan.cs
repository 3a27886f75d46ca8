namespace Weir.LoadTest.Steady;

/// <summary>
/// Who is in which room. By number, connections are: the publisher of each room, the publisher of the flood and its slow
/// subscribers if there are any, then the members. Rooms are filled one after another, so a member is in as many as it takes,
/// and in a quiet room, to which nobody publishes, when all are full.
/// </summary>
internal sealed class RoomPlan
{
    /// <summary>The room of the flood.</summary>
    public const int Flood = -1;

    private const int QuietMembers = 1000;

    private readonly int _rooms;
    private readonly int _membersPerRoom;
    private readonly int _slow;
    private readonly int _firstMember;
    private readonly int _members;

    public RoomPlan(SteadyOptions options)
    {
        _rooms = options.Rooms;
        _membersPerRoom = options.MembersPerRoom;
        _slow = options.Slow;
        _firstMember = _rooms + (_slow > 0 ? _slow + 1 : 0);
        _members = options.Connections - _firstMember;
    }

    public int FloodPublisher => _rooms;

    public IEnumerable<int> SlowOnes => Enumerable.Range(_rooms + 1, _slow);

    public static int PublisherOf(int room) => room;

    public bool IsSlow(int connection) => connection > _rooms && connection < _firstMember;

    public bool IsMember(int connection) => connection >= _firstMember;

    /// <summary>All places in all rooms are numbered, a room's one after another. Members take them in turns.</summary>
    public int Places => _rooms * _membersPerRoom;

    public int RoomOf(int place) => place / _membersPerRoom;

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

    /// <summary>The query that has the server put the connection into its rooms.</summary>
    public string QueryOf(int connection)
    {
        if (connection < _rooms)
        {
            return NameOf(connection);
        }

        if (!IsMember(connection))
        {
            return NameOf(Flood);
        }

        string query = string.Join('&', PlacesOf(connection).Select(place => NameOf(RoomOf(place))));
        return query.Length > 0 ? query : $"room=quiet-{connection / QuietMembers}";
    }

    private static string NameOf(int room) => room == Flood ? "room=flood" : $"room=load-{room}";
}
