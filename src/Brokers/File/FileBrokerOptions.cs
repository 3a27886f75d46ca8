using Weir.Validation;

namespace Weir.Brokers.File;

/// <summary>Where a <see cref="FileBroker"/> keeps its data, and its bounds. Read once, when the broker is created.</summary>
public sealed class FileBrokerOptions
{
    /// <summary>
    /// The folder of its files, which it creates; no default. One process at a time uses it. Files are readable for their owner only.
    /// </summary>
    public string Path { get; set; } = "";

    /// <summary>When publications are written through to the disk; default <see cref="FileSync.Interval"/>.</summary>
    public FileSync Sync { get; set; } = FileSync.Interval;

    /// <summary>The interval of <see cref="FileSync.Interval"/>; default 1 s. Not used otherwise.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 10 ms, or more than an hour.</exception>
    public TimeSpan SyncInterval
    {
        get;
        set => field = OptionRange.Duration(value, TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1));
    } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The most bytes of messages kept in all rooms together, in memory and on disk; default 256 MiB. Beyond it a room that is published to
    /// keeps no publications, as if its history had been trimmed: its offsets continue, and a reader of older ones is notified of the
    /// loss. 0: no limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public long MaxHistoryBytes { get; set => field = OptionRange.Number(value, 0, long.MaxValue); } = 256L << 20;

    /// <summary>
    /// The size of the log from which it is compacted: replaced by a snapshot of the publications that are kept; default 64 MiB, and at
    /// least the size of the last snapshot. While a snapshot is written the disk holds two of them and two logs.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 4 KiB.</exception>
    public long CompactAfterBytes { get; set => field = OptionRange.Number(value, 4 << 10, long.MaxValue); } = 64L << 20;

    /// <summary>The most rooms with history; default 1,000,000. Beyond it a publish to a new one fails. 0: no limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int MaxRooms { get; set => field = OptionRange.Number(value, 0, int.MaxValue); } = 1_000_000;

    /// <summary>The most requests that wait for the disk, above which more are refused immediately; default 10,000.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxPending { get; set => field = OptionRange.Number(value, 1, int.MaxValue); } = 10_000;

    /// <summary>
    /// How long after its history has expired a room without members keeps its epoch and its offset; default 24 hours, counted anew after
    /// a start. A client that returns later is notified that its position is lost.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 3,650 days.</exception>
    public TimeSpan UnusedRoomLifetime
    {
        get;
        set => field = OptionRange.Duration(value, TimeSpan.Zero, OptionRange.LongestKept);
    } = TimeSpan.FromHours(24);
}
