namespace Weir.Connections;

/// <summary>The <see cref="HeartbeatOptions"/> of an endpoint in ticks of the timer wheel; shared by its connections.</summary>
/// <param name="Interval">Between two Pings.</param>
/// <param name="Silence">Without a byte for so long a peer is dead.</param>
internal sealed record HeartbeatTicks(long Interval, long Silence)
{
    /// <summary>Null when the heartbeat is off.</summary>
    public static HeartbeatTicks? From(HeartbeatOptions options, TimeSpan tick) => options.Interval == TimeSpan.Zero ? null : new(
        ConnectionTimer.TicksOf(options.Interval, tick),
        ConnectionTimer.TicksOf(options.Interval + options.Timeout, tick));
}
