using Weir.Relay.Streams;

namespace Weir.Relay;

/// <summary>Copies options into the settings of the folders below.</summary>
internal static class SettingsConversion
{
    public static StreamSettings ToSettings(this SseOptions options, WeirNode node)
        => new(node, options.CloseAtBytes, options.HeartbeatInterval, options.MaxDelay, options.ReconnectAfter);
}
