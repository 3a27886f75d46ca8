namespace Weir.Relay;

/// <summary>The bounds of a <see cref="MemoryBroker"/>. Read once, when it is made.</summary>
public sealed class MemoryBrokerOptions
{
    private long _maxHistoryBytes = 256L << 20;
    private int _maxRooms = 1_000_000;
    private TimeSpan _unusedRoomLifetime = TimeSpan.FromHours(24);

    /// <summary>
    /// The most bytes of messages kept in all rooms together; default 256 MiB. Beyond it a room that is published to keeps
    /// nothing, as if its history had been trimmed: its offsets go on, and who asks for more is told that it is gone. 0: no limit.
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
    /// How long after its history has expired a room that nobody is in keeps its epoch and its offset; default 24 hours. A
    /// client that comes back later is told that its position is gone.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 3,650 days.</exception>
    public TimeSpan UnusedRoomLifetime
    {
        get => _unusedRoomLifetime;
        set => _unusedRoomLifetime = OptionRange.Duration(value, TimeSpan.Zero, OptionRange.LongestKept);
    }
}
