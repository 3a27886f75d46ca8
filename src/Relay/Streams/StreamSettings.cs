using System.Diagnostics.CodeAnalysis;
using Weir.Timing;

namespace Weir.Relay.Streams;

/// <summary>The state that all response streams of a path share: their limits, and the timer wheel. Thread-safe.</summary>
[Experimental("WEIR001")]
public sealed class StreamSettings
{
    private static readonly byte[] _comment = ":\n\n"u8.ToArray();

    private readonly TimeSpan _reconnectAfter;

    /// <summary>Creates the shared state.</summary>
    /// <param name="node">Provides the clock.</param>
    /// <param name="closeAtBytes">The most bytes that may wait for one slow client; beyond it the stream is aborted.</param>
    /// <param name="heartbeatInterval">
    /// The time without output after which <paramref name="heartbeat"/> is written; zero: never.
    /// </param>
    /// <param name="maxDelay">The longest that a client may accept no data while some is queued; zero: no limit.</param>
    /// <param name="preface">Written first; <c>null</c>: a comment of Server-Sent Events.</param>
    /// <param name="heartbeat">Written when a stream had no output for the interval; <c>null</c>: such a comment.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit is negative, or fewer than one byte may wait.</exception>
    public StreamSettings(
        WeirNode node,
        long closeAtBytes,
        TimeSpan heartbeatInterval,
        TimeSpan maxDelay,
        byte[]? preface = null,
        byte[]? heartbeat = null)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentOutOfRangeException.ThrowIfLessThan(closeAtBytes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(heartbeatInterval, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxDelay, TimeSpan.Zero);
        Preface = preface ?? _comment;
        Heartbeat = heartbeat ?? _comment;
        Wheel = node.CreateTimerWheel();
        Calendar = node.Calendar;
        CloseAtBytes = closeAtBytes;
        HeartbeatTicks = TimerWheel.TicksOf(heartbeatInterval, TimerWheel.DefaultTick);
        MaxDelayTicks = TimerWheel.TicksOf(maxDelay, TimerWheel.DefaultTick);
    }

    /// <param name="node">Provides the clock.</param>
    /// <param name="closeAtBytes">The most bytes that may wait for one slow client.</param>
    /// <param name="heartbeatInterval">The time without output after which a comment is written.</param>
    /// <param name="maxDelay">The longest that a client may accept no data.</param>
    /// <param name="reconnectAfter">The mean delay of a client that is to reconnect, see <see cref="RetryEvent"/>.</param>
    internal StreamSettings(
        WeirNode node, long closeAtBytes, TimeSpan heartbeatInterval, TimeSpan maxDelay, TimeSpan reconnectAfter)
        : this(node, closeAtBytes, heartbeatInterval, maxDelay) => _reconnectAfter = reconnectAfter;

    internal byte[] Preface { get; }

    internal byte[] Heartbeat { get; }

    internal TimerWheel Wheel { get; }

    /// <summary>The calendar for absolute deadlines.</summary>
    internal Calendar Calendar { get; }

    internal long CloseAtBytes { get; }

    internal long HeartbeatTicks { get; }

    internal long MaxDelayTicks { get; }

    /// <summary>
    /// The end of a stream of Server-Sent Events whose client is to reconnect: each client after a time of its own, from half of the mean
    /// delay to three halves.
    /// </summary>
    internal byte[] RetryEvent() => SseFormat.Retry(_reconnectAfter * (0.5 + Random.Shared.NextDouble()));
}
