using System.Text;
using Weir.Closing;
using Weir.Timing;

namespace Weir.Connections;

/// <summary>
/// The <see cref="HeartbeatSettings"/> of an endpoint in ticks of the timer wheel; shared by its connections. Thread-safe.
/// </summary>
/// <remarks>
/// Pings leave in batches: all that fall into the same second or tenth of the interval together. Waking up for a few costs more
/// than sending them (docs/internals/benchmarks.md).
/// </remarks>
internal sealed class HeartbeatTicks
{
    // A batch spans at most this fraction of an interval: an interval that is not a multiple of it is rounded down.
    private const int BatchesPerInterval = 10;

    // Connections that were opened one after another are adjacent in memory, and so they are in a batch.
    private const int Neighbours = TimerWheel.CallsAtOnce;

    private readonly long _batches;
    private long _begun = -1;

    private HeartbeatTicks(HeartbeatSettings settings, TimeSpan tick)
    {
        Interval = TimerWheel.TicksOf(settings.Interval, tick);
        Batch = Math.Clamp(Interval / BatchesPerInterval, 1, TimerWheel.LongestSleep);
        Silence = Interval + TimerWheel.TicksOf(settings.Timeout, tick);
        Message = settings.Message is { } message ? Encoding.UTF8.GetBytes(message) : null;
        CountsOnlyMessages = settings.CountsOnlyMessages;
        Silenced = settings.SilenceCode is { } code ? new WeirClosure(code, settings.SilenceReason, CloseCause.HeartbeatTimeout) : null;
        _batches = Interval / Batch;
    }

    /// <summary>The longest time between two Pings.</summary>
    public long Interval { get; }

    /// <summary>Pings are sent at multiples of this.</summary>
    public long Batch { get; }

    /// <summary>The time without received data after which a peer has timed out.</summary>
    public long Silence { get; }

    /// <summary>The message sent instead of a Ping; <c>null</c> for a Ping.</summary>
    public byte[]? Message { get; }

    /// <inheritdoc cref="HeartbeatSettings.CountsOnlyMessages"/>
    public bool CountsOnlyMessages { get; }

    /// <summary>The closure sent to a peer that timed out; <c>null</c> to abort it.</summary>
    public WeirClosure? Silenced { get; }

    /// <summary>Returns <c>null</c> if the heartbeat is off.</summary>
    public static HeartbeatTicks? From(HeartbeatSettings settings, TimeSpan tick)
        => settings.Interval == TimeSpan.Zero ? null : new HeartbeatTicks(settings, tick);

    /// <summary>
    /// Returns when to send the first Ping of a connection that opens now: within an interval, in the next batch of its turn.
    /// Connections that open in one storm must not be pinged together forever.
    /// </summary>
    public long FirstPing(long now)
    {
        long turn = Interlocked.Increment(ref _begun) / Neighbours % _batches;
        long current = now / Batch;
        long away = (turn - (current % _batches) + _batches) % _batches;
        return (current + (away == 0 ? _batches : away)) * Batch;
    }

    /// <summary>Returns when to send the Ping that follows one sent now.</summary>
    public long NextPing(long now) => ((now / Batch) + _batches) * Batch;
}
