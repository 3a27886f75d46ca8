using System.Text;

namespace Weir.Connections;

/// <summary>The <see cref="HeartbeatOptions"/> of an endpoint in ticks of the timer wheel; shared by its connections.</summary>
/// <param name="Interval">Between two Pings.</param>
/// <param name="Silence">Without a byte for so long a peer is dead.</param>
/// <param name="Message">What is sent in place of a Ping; null: a Ping.</param>
/// <param name="Silenced">What a silent peer is told; null: nothing, it is cut.</param>
internal sealed record HeartbeatTicks(long Interval, long Silence, byte[]? Message, WeirClosure? Silenced)
{
    /// <summary>Null when the heartbeat is off.</summary>
    public static HeartbeatTicks? From(HeartbeatOptions options, TimeSpan tick) => options.Interval == TimeSpan.Zero ? null : new(
        ConnectionTimer.TicksOf(options.Interval, tick),
        ConnectionTimer.TicksOf(options.Interval + options.Timeout, tick),
        options.Message is { } message ? Encoding.UTF8.GetBytes(message) : null,
        options.SilenceCode is { } code ? new WeirClosure(code, options.SilenceReason, CloseInitiator.Engine) : null);
}
