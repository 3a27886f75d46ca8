using Weir.LoadTest.Client;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Activities;

/// <summary>Every message that should come to every member: whether it came, once and in order.</summary>
internal sealed class DeliveryLedger(RoomPlan plan, WorkerPlan settings)
{
    private readonly int[] _published = new int[settings.Rooms];
    private readonly int[] _membersAway = new int[settings.Rooms];
    private readonly int[] _nextByPlace = new int[plan.Places];
    private readonly long[] _underWay = new long[settings.Rooms];

    public long Expected { get; private set; }

    public long Got { get; private set; }

    /// <summary>Deliveries of a room that are still to come.</summary>
    public long UnderWay(int room) => _underWay[room];

    /// <summary>A message is about to be published.</summary>
    /// <returns>Its number in its room.</returns>
    public int Publish(int room)
    {
        int members = settings.MembersPerRoom - _membersAway[room];
        Expected += members;
        _underWay[room] += members;
        return _published[room]++;
    }

    /// <summary>A member has ended: no further delivery to it is expected. Those under way stay expected.</summary>
    public void Lose(int member)
    {
        foreach (int place in plan.PlacesOf(member))
        {
            _membersAway[plan.RoomOf(place)]++;
        }
    }

    /// <summary>A member is back, and gets what is published from now on.</summary>
    public void Return(int member)
    {
        foreach (int place in plan.PlacesOf(member))
        {
            _membersAway[plan.RoomOf(place)]--;
        }
    }

    /// <returns>False: it came twice, after a later one, or to another client.</returns>
    public bool TryDeliver(int member, Stamp stamp)
    {
        int place = stamp.Room >= 0 && stamp.Room < settings.Rooms ? plan.PlaceIn(stamp.Room, member) : -1;
        if (place < 0 || stamp.Number < _nextByPlace[place])
        {
            return false;
        }

        _nextByPlace[place] = stamp.Number + 1;
        _underWay[stamp.Room]--;
        Got++;
        return true;
    }
}
