using Weir.Protocol;

namespace Weir.Connections;

/// <summary>The heartbeat of an endpoint; an immutable copy of the options that the application set.</summary>
/// <param name="Interval">The time between two Pings; zero disables the heartbeat.</param>
/// <param name="Timeout">How long after the interval an idle peer is kept.</param>
/// <param name="Message">A text message to send instead of a Ping; <c>null</c> for a Ping.</param>
/// <param name="CountsOnlyMessages">Whether only messages count as activity, not Pongs.</param>
/// <param name="SilenceCode">The code with which a peer that times out is closed; <c>null</c> to abort it.</param>
/// <param name="SilenceReason">The reason sent with that code.</param>
internal sealed record HeartbeatSettings(
    TimeSpan Interval, TimeSpan Timeout, string? Message, bool CountsOnlyMessages, CloseCode? SilenceCode, string SilenceReason);
