using Weir.Relay;

namespace Weir.Host.Features.Streams;

/// <summary>Rooms as Server-Sent Events, at <c>/sse</c>. The settings are those of WebSockets.</summary>
/// <param name="configureEndpoint">Applies the settings of all endpoints.</param>
internal sealed class StreamsFeature(Action<WeirOptions> configureEndpoint) : Feature
{
    private const string Path = "/sse";

    public override IEnumerable<PathString> PathsWithHeadLimit => [Path];

    public override void Map(WebApplication app) => app.MapWeirSse(Path, Configure);

    private void Configure(SseOptions options)
    {
        WeirOptions sockets = new();
        configureEndpoint(sockets);
        options.AllowedOrigins = sockets.AllowedOrigins;
        options.HeartbeatInterval = sockets.Heartbeat.Interval;
        options.CloseAtBytes = sockets.Pressure.CloseAtBytes;
        options.MaxDelay = sockets.Pressure.MaxDelay;
        options.MaxHeadBytes = sockets.MaxHeadBytes;
    }
}
