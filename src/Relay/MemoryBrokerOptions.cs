using Weir.Validation;

namespace Weir.Relay;

/// <summary>The bounds of a <see cref="MemoryBroker"/>. Read once, when it is created.</summary>
public sealed class MemoryBrokerOptions
{
    private long _maxHistoryBytes = 256L << 20;
    private int _maxRooms = 1_000_000;
    private TimeSpan _unusedRoomLifetime = TimeSpan.FromHours(24);

    /// <summary>
    /// The most bytes of messages kept in all rooms together; default 256 MiB. Beyond it a room that is published to keeps no publications,
    /// as if its history had been trimmed: its offsets continue, and a reader of older ones is notified of the loss. 0: no limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public long MaxHistoryBytes
    {
        get => _maxHistoryBytes;
        set => _maxHistoryBytes = OptionRange.Number(value, 0, long.MaxValue);
    }

    /// <summary>
    /// The most rooms with history or presence; default 1,000,000. Beyond it a publish to a new one fails. 0: no limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int MaxRooms
    {
        get => _maxRooms;
        set => _maxRooms = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>
    /// How long after its history has expired a room without members keeps its epoch and its offset; default 24 hours. A client that
    /// returns later is notified that its position is lost.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 3,650 days.</exception>
    public TimeSpan UnusedRoomLifetime
    {
        get => _unusedRoomLifetime;
        set => _unusedRoomLifetime = OptionRange.Duration(value, TimeSpan.Zero, OptionRange.LongestKept);
    }
}
