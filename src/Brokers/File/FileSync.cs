namespace Weir.Brokers.File;

/// <summary>When a publication is written through to the disk. A process that is killed loses nothing in any case.</summary>
/// <remarks>
/// A publish that must be stored (<see cref="Relay.Brokers.RoomRule.Durable"/>) always waits for the disk: those to durable rooms, and those
/// that get an answer, by the HTTP API or a protocol.
/// </remarks>
public enum FileSync
{
    /// <summary>
    /// At every <see cref="FileBrokerOptions.SyncInterval"/>: a loss of power loses the last interval at the most, of publications without
    /// an answer in rooms that are not durable.
    /// </summary>
    Interval,

    /// <summary>
    /// Before a publish completes and is announced; all that waits at that moment is written in one step. A loss of power loses nothing.
    /// </summary>
    Always,

    /// <summary>
    /// When the operating system decides: a loss of power loses the last half minute or so, of publications without an answer in rooms that
    /// are not durable.
    /// </summary>
    Never,
}
