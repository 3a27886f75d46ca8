using System.Diagnostics;

namespace Weir.Timing;

/// <summary>
/// The slots of the wheel: level 0 has one slot per tick, and a slot of each higher level spans a whole turn of the level below.
/// A node waits in the lowest level that reaches its due tick and moves down (cascades) when time arrives at its slot, so
/// insertion is O(1) and a node moves at most once per level. Counts ticks, not time. Guarded by the wheel's lock.
/// </summary>
internal sealed class TimerSlots
{
    /// <summary>
    /// 256 slots: at 100 ms a tick level 0 spans 25.6 s, so that most timeouts of a connection never cascade; the four levels
    /// span 1.8 hours, 19 days and 13 years in turn, for 48 KB per wheel. Later nodes wait in the last slot of the top level and
    /// are placed again from there.
    /// </summary>
    public const int DefaultBitsPerLevel = 8;

    public const int DefaultLevels = 4;

    private readonly TimerList[] _slots;
    private readonly int _bitsPerLevel;
    private readonly int _levels;

    public TimerSlots(int bitsPerLevel = DefaultBitsPerLevel, int levels = DefaultLevels)
    {
        Debug.Assert(levels >= 2, "Nodes beyond the top level are placed again by its cascade; level 0 has none.");
        _bitsPerLevel = bitsPerLevel;
        _levels = levels;
        _slots = new TimerList[levels << bitsPerLevel];
        for (int i = 0; i < _slots.Length; i++)
        {
            _slots[i] = new TimerList();
        }
    }

    /// <summary>All slots, level 0 first.</summary>
    public ReadOnlySpan<TimerList> All => _slots;

    /// <summary>Places an unlinked node by its due tick, which is not before <paramref name="currentTick"/>.</summary>
    public void Insert(TimerNode node, long currentTick)
    {
        long slotTick = node.DueTick;
        long distance = slotTick - currentTick;
        Debug.Assert(distance >= 0, "A node in the past would wait a whole turn of the wheel.");

        int level = 0;
        while (distance >> ((level + 1) * _bitsPerLevel) != 0)
        {
            if (++level == _levels)
            {
                level--;
                slotTick = currentTick + (1L << (_levels * _bitsPerLevel)) - 1;
                break;
            }
        }

        At(level, slotTick).Append(node);
    }

    /// <summary>
    /// Moves down up to <paramref name="limit"/> nodes whose slots begin at <paramref name="currentTick"/>. Returns true if nodes
    /// are left: call again before taking <see cref="Due"/>. The lock may be released in between, because no insertion relative
    /// to the same tick reaches a slot that is being emptied: it would have to be a whole turn of that level away, and then it is
    /// placed one level up.
    /// </summary>
    public bool CascadeSome(long currentTick, int limit)
    {
        for (int level = 1; level < _levels && IsStartOfSlot(level, currentTick); level++)
        {
            TimerList slot = At(level, currentTick);
            while (slot.First is { } node)
            {
                if (limit-- == 0)
                {
                    return true;
                }

                TimerList.Remove(node);
                Insert(node, currentTick);
            }
        }

        return false;
    }

    /// <summary>
    /// The first tick after <paramref name="currentTick"/> at which nodes are due or may have to move down;
    /// <paramref name="most"/> ticks after it if there is no earlier one.
    /// </summary>
    public long NextToRun(long currentTick, int most)
    {
        long last = currentTick + most;
        long tick = currentTick + 1;
        while (tick < last && Due(tick).First is null && !IsStartOfSlot(level: 1, tick))
        {
            tick++;
        }

        return tick;
    }

    /// <summary>The nodes due exactly at <paramref name="currentTick"/>, once its cascades are done.</summary>
    public TimerList Due(long currentTick) => At(0, currentTick);

    private bool IsStartOfSlot(int level, long tick) => (tick & ((1L << (level * _bitsPerLevel)) - 1)) == 0;

    private TimerList At(int level, long tick)
    {
        int slot = (int)(tick >> (level * _bitsPerLevel)) & ((1 << _bitsPerLevel) - 1);
        return _slots[(level << _bitsPerLevel) + slot];
    }
}
