using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Weir.Centrifugo.Protocol;
using Weir.Centrifugo.Sessions;
using Weir.Centrifugo.Streams;
using Weir.Connections;
using Weir.Handshake;
using Weir.Limits;
using Weir.Relay;
using Weir.Relay.Sse;

namespace Weir.Centrifugo;

/// <summary>Puts Centrifugo's client protocol on listeners and routes. Needs <see cref="CentrifugoServiceCollectionExtensions.AddWeirCentrifugo"/>.</summary>
public static class CentrifugoEndpointExtensions
{
    /// <summary>Serves the protocol over WebSocket for one path of this listener, as <c>UseWeir</c> does.</summary>
    /// <remarks>
    /// Codes, the subprotocol and the form of pings are the protocol's, whatever <paramref name="configure"/> says; the ping's
    /// interval and time-out are by default 25 and 8 seconds.
    /// </remarks>
    /// <param name="builder">The listener.</param>
    /// <param name="path">The path, beginning with a slash.</param>
    /// <param name="configure">Settings of the connections; null for the defaults. The same for all that serve one application.</param>
    public static IConnectionBuilder UseWeirCentrifugo(
        this IConnectionBuilder builder, string path = "/connection/websocket", Action<WeirOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.UseWeir(path, HandlerOf(builder.ApplicationServices, configure), options => Apply(options, configure));
    }

    /// <summary>
    /// Serves the protocol on routes: over WebSocket where the upgrade reaches the HTTP pipeline, and for clients that have no
    /// WebSocket as <c>sse</c> and <c>http_stream</c> with <c>/emulation</c> for what they say.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="path">Where <c>/websocket</c>, <c>/sse</c> and <c>/http_stream</c> are; begins with a slash.</param>
    /// <param name="emulationPath">Where clients of streams speak; begins with a slash.</param>
    /// <param name="configure">
    /// Settings; null for the defaults. Of streams those that have a meaning there: origins, the ping's interval, the largest
    /// message, how much a client may send, how much may wait and for how long.
    /// </param>
    public static IEndpointRouteBuilder MapWeirCentrifugo(
        this IEndpointRouteBuilder endpoints,
        string path = "/connection",
        string emulationPath = "/emulation",
        Action<WeirOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        endpoints.MapWeir(path + "/websocket", HandlerOf(endpoints.ServiceProvider, configure), options => Apply(options, configure));

        CentrifugoHub hub = endpoints.ServiceProvider.GetRequiredService<CentrifugoHub>();
        WeirEngine engine = hub.Engine;
        WeirOptions options = new();
        Apply(options, configure);
        InboundLimit? limit = LimitOf(options);
        StreamDoor door = new(engine, new OriginPolicy(options.AllowedOrigins), hub.Access.UsesCookies, options.MaxHeadBytes);
        SseOptions streams = new()
        {
            HeartbeatInterval = options.Heartbeat.Interval,
            CloseAtBytes = options.Pressure.CloseAtBytes,
            MaxDelay = options.Pressure.MaxDelay,
        };
        endpoints.Map(path + "/sse", Stream(StreamForm.Events, preface: null));
        endpoints.Map(path + "/http_stream", Stream(StreamForm.Lines, preface: []));
        endpoints.Map(emulationPath, new EmulationEndpoint(hub, door, options.MaxMessageBytes).InvokeAsync);
        engine.AlsoDrains.Add((window, hurry) => door.DrainAsync(
            [.. hub.Streams.Values], static session => session.Disconnect(Goodbye.Shutdown.Code, Goodbye.Shutdown.Reason), window, hurry));
        return endpoints;

        RequestDelegate Stream(StreamForm form, byte[]? preface) => new StreamEndpoint(
            hub, form, door, new SseSettings(streams, engine, preface, StreamForms.Ping(form)), options.Heartbeat.Interval, options.MaxMessageBytes, limit).InvokeAsync;
    }

    private static InboundLimit? LimitOf(WeirOptions options) => InboundLimit.From(options.Inbound, CentrifugoHub.RateTick);

    private static SocketHandler HandlerOf(IServiceProvider services, Action<WeirOptions>? configure)
    {
        WeirOptions options = new();
        Apply(options, configure);
        return new SocketHandler(services.GetRequiredService<CentrifugoHub>(), options.Heartbeat.Interval, LimitOf(options));
    }

    internal static void Apply(WeirOptions options, Action<WeirOptions>? configure)
    {
        options.Heartbeat.Interval = TimeSpan.FromSeconds(25);
        options.Heartbeat.Timeout = TimeSpan.FromSeconds(8);
        options.KeepRequest = false; // a session keeps what it needs
        configure?.Invoke(options);
        options.Heartbeat.Message = "{}";
        options.Heartbeat.CountsOnlyMessages = true; // the answer is the page's own, and so is its presence
        options.Heartbeat.SilenceCode = Goodbye.NoPong.Code;
        options.Heartbeat.SilenceReason = Goodbye.NoPong.Reason;
        options.Pressure.CloseCode = Goodbye.Slow.Code; // SDKs never come back from 1009
        options.Pressure.CloseReason = Goodbye.Slow.Reason;
        options.Inbound.CloseCode = Goodbye.TooManyRequests.Code;
        options.Inbound.CloseReason = Goodbye.TooManyRequests.Reason;
        options.ShutdownCode = Goodbye.Shutdown.Code;
        options.ShutdownReason = Goodbye.Shutdown.Reason;
        options.StreamFragments = false;
        options.Subprotocols = ["centrifuge-json"];
    }
}
