using System.Text;
using Weir.Timing;

namespace Weir.Connections;

/// <summary>The <see cref="HeartbeatOptions"/> of an endpoint in ticks of the timer wheel; shared by its connections. Thread-safe.</summary>
/// <remarks>
/// Pings leave in lots, all that fall into the same second or tenth of the interval together: waking up for a few costs more than
/// sending them (docs/benchmarks.md).
/// </remarks>
internal sealed class HeartbeatTicks
{
    // A lot is at most this much of an interval: an interval that is no multiple of it is rounded down.
    private const int LotsPerInterval = 10;

    // Connections that were opened one after another lie side by side in memory, and so they do in a lot.
    private const int Neighbours = TimerWheel.CallsAtOnce;

    private readonly long _lots;
    private long _begun = -1;

    private HeartbeatTicks(HeartbeatOptions options, TimeSpan tick)
    {
        Interval = ConnectionTimer.TicksOf(options.Interval, tick);
        Lot = Math.Clamp(Interval / LotsPerInterval, 1, TimerWheel.LongestSleep);
        Silence = Interval + ConnectionTimer.TicksOf(options.Timeout, tick);
        Message = options.Message is { } message ? Encoding.UTF8.GetBytes(message) : null;
        CountsOnlyMessages = options.CountsOnlyMessages;
        Silenced = options.SilenceCode is { } code ? new WeirClosure(code, options.SilenceReason, CloseInitiator.Engine) : null;
        _lots = Interval / Lot;
    }

    /// <summary>Between two Pings, at most.</summary>
    public long Interval { get; }

    /// <summary>Pings are sent at multiples of this.</summary>
    public long Lot { get; }

    /// <summary>Without a byte for so long a peer is dead.</summary>
    public long Silence { get; }

    /// <summary>What is sent in place of a Ping; null: a Ping.</summary>
    public byte[]? Message { get; }

    /// <inheritdoc cref="HeartbeatOptions.CountsOnlyMessages"/>
    public bool CountsOnlyMessages { get; }

    /// <summary>What a silent peer is told; null: nothing, it is cut.</summary>
    public WeirClosure? Silenced { get; }

    /// <summary>Null when the heartbeat is off.</summary>
    public static HeartbeatTicks? From(HeartbeatOptions options, TimeSpan tick)
        => options.Interval == TimeSpan.Zero ? null : new HeartbeatTicks(options, tick);

    /// <summary>
    /// When to send the first Ping of a connection that opens now: within an interval, in the next lot that it is the turn of.
    /// Connections that come in one storm must not be pinged all at once for ever after.
    /// </summary>
    public long FirstPing(long now)
    {
        long turn = Interlocked.Increment(ref _begun) / Neighbours % _lots;
        long current = now / Lot;
        long away = (turn - (current % _lots) + _lots) % _lots;
        return (current + (away == 0 ? _lots : away)) * Lot;
    }

    /// <summary>When to send the next Ping after one that is sent now.</summary>
    public long NextPing(long now) => ((now / Lot) + _lots) * Lot;
}
