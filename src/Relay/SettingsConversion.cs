using System.Security.Cryptography;
using System.Text;
using Weir.Relay.Api;
using Weir.Relay.Streams;

namespace Weir.Relay;

/// <summary>Copies options into the settings of the folders below.</summary>
internal static class SettingsConversion
{
    /// <summary>Returns the holders of all keys.</summary>
    public static IReadOnlyList<ApiCaller> ToCallers(this ApiOptions options) =>
    [
        .. (options.Key.Length > 0 ? options.Keys.Prepend(new ApiKey("default", options.Key)) : options.Keys)
            .Select(static key => new ApiCaller(key.Name, SHA256.HashData(Encoding.UTF8.GetBytes(key.Value)), key.Rights, [.. key.Rooms])),
    ];

    public static StreamSettings ToSettings(this SseOptions options, WeirNode node)
        => new(node, options.CloseAtBytes, options.HeartbeatInterval, options.MaxDelay, options.ReconnectAfter);
}
