using System.Diagnostics;
using HdrHistogram;

namespace Weir.LoadTest.Steady;

/// <summary>Every message that should come to every member: whether it came, once and in order, and how long it took.</summary>
internal sealed class DeliveryLedger(RoomPlan plan, SteadyOptions options)
{
    private readonly int[] _published = new int[options.Rooms];
    private readonly int[] _membersLost = new int[options.Rooms];
    private readonly int[] _nextByPlace = new int[plan.Places];

    // Microseconds, up to an hour.
    private readonly LongHistogram _latencies = new(3_600_000_000, numberOfSignificantValueDigits: 3);

    public long Expected { get; private set; }

    public long Got { get; private set; }

    /// <summary>Came twice, or after a later one.</summary>
    public long Misplaced { get; private set; }

    public long Published { get; private set; }

    /// <summary>A message is about to be published.</summary>
    /// <returns>Its number in its room.</returns>
    public int Publish(int room)
    {
        Published++;
        Expected += options.MembersPerRoom - _membersLost[room];
        return _published[room]++;
    }

    /// <summary>A member has ended: nothing is expected to come to it any more.</summary>
    public void Lose(int member)
    {
        foreach (int place in plan.PlacesOf(member))
        {
            _membersLost[plan.RoomOf(place)]++;
        }
    }

    public void Deliver(int member, long due, int room, int number)
    {
        int place = room >= 0 && room < options.Rooms ? plan.PlaceIn(room, member) : -1;
        if (place < 0 || number < _nextByPlace[place])
        {
            Misplaced++;
            return;
        }

        _nextByPlace[place] = number + 1;
        Got++;
        _latencies.RecordValue(Math.Max(1, (long)Stopwatch.GetElapsedTime(due).TotalMicroseconds));
    }

    /// <summary>In milliseconds, from when a message was due to be published.</summary>
    public double LatencyAt(double percentile) => _latencies.GetValueAtPercentile(percentile) / 1000.0;
}
