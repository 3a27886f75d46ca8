using Weir.Connections;
using Weir.Timing;

namespace Weir.Relay.Sse;

/// <summary>What all streams of a path share: the settings in the wheel's ticks, and the wheel.</summary>
internal sealed class SseSettings(SseOptions options, WeirEngine engine)
{
    public TimerWheel Wheel { get; } = new(engine.Time, engine.Logger, TimerWheel.DefaultTick);

    public long CloseAtBytes { get; } = options.CloseAtBytes;

    public long HeartbeatTicks { get; } = ConnectionTimer.TicksOf(options.HeartbeatInterval, TimerWheel.DefaultTick);

    public long MaxDelayTicks { get; } = ConnectionTimer.TicksOf(options.MaxDelay, TimerWheel.DefaultTick);

    public TimeSpan ReconnectAfter { get; } = options.ReconnectAfter;
}
