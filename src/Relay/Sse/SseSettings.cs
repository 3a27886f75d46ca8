using Weir.Connections;
using Weir.Timing;

namespace Weir.Relay.Sse;

/// <summary>What all streams of a path share: the settings in the wheel's ticks, and the wheel.</summary>
/// <param name="options">The settings.</param>
/// <param name="engine">Has the clock.</param>
/// <param name="preface">Written first, null: a comment.</param>
/// <param name="heartbeat">Written when nothing else was for the interval; null: a comment.</param>
internal sealed class SseSettings(SseOptions options, WeirEngine engine, byte[]? preface = null, byte[]? heartbeat = null)
{
    private static readonly byte[] _comment = ":\n\n"u8.ToArray();

    public byte[] Preface { get; } = preface ?? _comment;

    public byte[] Heartbeat { get; } = heartbeat ?? _comment;

    public TimerWheel Wheel { get; } = new(engine.Time, engine.Logger, TimerWheel.DefaultTick);

    /// <summary>For what ends by the clock.</summary>
    public Calendar Calendar { get; } = engine.Calendar;

    public long CloseAtBytes { get; } = options.CloseAtBytes;

    public long HeartbeatTicks { get; } = ConnectionTimer.TicksOf(options.HeartbeatInterval, TimerWheel.DefaultTick);

    public long MaxDelayTicks { get; } = ConnectionTimer.TicksOf(options.MaxDelay, TimerWheel.DefaultTick);

    /// <summary>
    /// What a stream ends with when the client is to return: each client at a time of its own, from half of
    /// <see cref="SseOptions.ReconnectAfter"/> to three halves.
    /// </summary>
    public byte[] ComeBack() => SseFormat.Retry(options.ReconnectAfter * (0.5 + Random.Shared.NextDouble()));
}
