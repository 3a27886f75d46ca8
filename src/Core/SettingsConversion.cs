using Weir.Connections;
using Weir.Handshake;
using Weir.Limits;
using Weir.Protocol.Compression;
using Weir.Sending;

namespace Weir;

/// <summary>
/// Copies options, which an application sets and may change afterwards, into immutable settings. The lower layers depend on
/// settings only.
/// </summary>
internal static class SettingsConversion
{
    /// <summary>Creates the endpoint of a path as an application declares it.</summary>
    /// <exception cref="ArgumentException">The path does not begin with a slash, or a setting is invalid.</exception>
    public static WeirEndpoint CreateEndpoint(this WeirEngine engine, string path, WeirHandler handler, Action<WeirOptions>? configure)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (path[0] != '/')
        {
            throw new ArgumentException($"A path begins with a slash; '{path}' does not.", nameof(path));
        }

        WeirOptions options = new();
        configure?.Invoke(options);
        return new WeirEndpoint(path, handler, options.ToSettings(), engine);
    }

    public static EndpointSettings ToSettings(this WeirOptions options) => new()
    {
        MaxMessageBytes = options.MaxMessageBytes,
        StreamFragments = options.StreamFragments,
        MaxHeadBytes = options.MaxHeadBytes,
        HandshakeTimeout = options.HandshakeTimeout,
        CloseTimeout = options.CloseTimeout,
        KeepRequest = options.KeepRequest,
        ShutdownCode = options.ShutdownCode,
        ShutdownReason = options.ShutdownReason,
        Origins = new OriginPolicy(options.AllowedOrigins),
        Subprotocols = [.. options.Subprotocols],
        Deflate = options.Deflate.ToSettings(),
        Heartbeat = options.Heartbeat.ToSettings(),
        Inbound = options.Inbound.ToSettings(),
        Pressure = options.Pressure.ToSettings(),
    };

    public static DeflateSettings ToSettings(this DeflateOptions options) => new(
        options.Enabled,
        options.ServerMaxWindowBits,
        options.ClientMaxWindowBits,
        options.ServerContextTakeover,
        options.ClientContextTakeover,
        options.MinimumBytes,
        options.Level);

    public static HeartbeatSettings ToSettings(this HeartbeatOptions options) => new(
        options.Interval, options.Timeout, options.Message, options.CountsOnlyMessages, options.SilenceCode, options.SilenceReason);

    public static InboundSettings ToSettings(this InboundOptions options) => new(
        options.MessagesPerSecond, options.BytesPerSecond, options.Burst, options.CloseCode, options.CloseReason);

    public static PressureSettings ToSettings(this PressureOptions options) => new(
        options.HighWaterBytes,
        options.CloseAtBytes,
        options.MaxDelay,
        options.Policy,
        options.CloseCode,
        options.CloseReason,
        options.CloseTimeout);

    public static NodeSettings ToSettings(this WeirNodeOptions options) => new(
        new GateSettings(
            options.MaxConnections, options.MaxConnectionsPerAddress, options.HandshakesPerSecond, options.HandshakeBurst),
        new ProxyTrust([.. options.TrustedProxies], options.TrustUnixSockets),
        options.MaxPendingBytes,
        options.DrainWindow);
}
