using Weir.Timing;

namespace Weir.Relay.Sse;

/// <summary>The shared state of all streams of a path: the settings in the wheel's ticks, and the wheel.</summary>
/// <param name="options">The settings.</param>
/// <param name="node">Provides the clock.</param>
/// <param name="preface">Written first; <c>null</c>: a comment.</param>
/// <param name="heartbeat">Written when a stream had no output for the interval; <c>null</c>: a comment.</param>
internal sealed class SseSettings(SseOptions options, WeirNode node, byte[]? preface = null, byte[]? heartbeat = null)
{
    private static readonly byte[] _comment = ":\n\n"u8.ToArray();

    public byte[] Preface { get; } = preface ?? _comment;

    public byte[] Heartbeat { get; } = heartbeat ?? _comment;

    public TimerWheel Wheel { get; } = node.CreateTimerWheel();

    /// <summary>The calendar for absolute deadlines.</summary>
    public Calendar Calendar { get; } = node.Calendar;

    public long CloseAtBytes { get; } = options.CloseAtBytes;

    public long HeartbeatTicks { get; } = TimerWheel.TicksOf(options.HeartbeatInterval, TimerWheel.DefaultTick);

    public long MaxDelayTicks { get; } = TimerWheel.TicksOf(options.MaxDelay, TimerWheel.DefaultTick);

    /// <summary>
    /// The end of a stream whose client is to reconnect: each client after a time of its own, from half of
    /// <see cref="SseOptions.ReconnectAfter"/> to three halves.
    /// </summary>
    public byte[] ComeBack() => SseFormat.Retry(options.ReconnectAfter * (0.5 + Random.Shared.NextDouble()));
}
