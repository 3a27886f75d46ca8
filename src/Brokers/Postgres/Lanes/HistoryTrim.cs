namespace Weir.Brokers.Postgres.Lanes;

/// <summary>
/// The publications that rooms no longer keep: collected when a room has used up a part of its size, and removed together. Thread-safe.
/// </summary>
internal sealed class HistoryTrim
{
    private const int LeastPart = 16;
    private const int MostPart = 4096;

    private readonly Lock _gate = new();
    private Dictionary<long, (long From, long To)> _due = [];

    /// <summary>A room's top went from one offset to another.</summary>
    public void Note(long room, long before, long after, int size)
    {
        int part = Math.Clamp(size / 2, LeastPart, MostPart);
        if (before / part == after / part || after <= size)
        {
            return;
        }

        lock (_gate)
        {
            // From where earlier removals have ended: the removed rows before it would be passed over again and again, for as long as
            // a long transaction keeps them in the index.
            long from = _due.TryGetValue(room, out (long From, long To) due) ? due.From : Math.Max(0, before - size - part);
            _due[room] = (from, after - size);
        }
    }

    /// <summary>Takes what is due: rooms' ids, and of each the offsets after which and up to which its publications are removed.</summary>
    public (long[] Rooms, long[] From, long[] To) Take()
    {
        Dictionary<long, (long From, long To)> due;
        lock (_gate)
        {
            if (_due.Count == 0)
            {
                return ([], [], []);
            }

            due = _due;
            _due = [];
        }

        return ([.. due.Keys], [.. due.Values.Select(static range => range.From)], [.. due.Values.Select(static range => range.To)]);
    }
}
