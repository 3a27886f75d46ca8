using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Weir.Handshake;
using Weir.Limits;
using Weir.Protocols.Centrifugo.Protocol;
using Weir.Protocols.Centrifugo.Sessions;
using Weir.Protocols.Centrifugo.Streams;
using Weir.Relay.Streams;

namespace Weir.Protocols.Centrifugo;

/// <summary>
/// Serves Centrifugo's client protocol on listeners and routes. Requires
/// <see cref="CentrifugoServiceCollectionExtensions.AddWeirCentrifugo"/>.
/// </summary>
public static class CentrifugoEndpointExtensions
{
    /// <summary>Serves the protocol over WebSocket on one path of this listener, like <c>UseWeir</c>.</summary>
    /// <remarks>
    /// Codes, the subprotocol and the form of pings are the protocol's, and <paramref name="configure"/> does not change them. The
    /// ping's interval and timeout are 25 and 8 seconds by default.
    /// </remarks>
    /// <param name="builder">The listener.</param>
    /// <param name="path">The path, beginning with a slash.</param>
    /// <param name="configure">Settings; <c>null</c> for the defaults. The same for all endpoints of an application.</param>
    public static IConnectionBuilder UseWeirCentrifugo(
        this IConnectionBuilder builder, string path = "/connection/websocket", Action<WeirOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.UseWeir(path, HandlerOf(builder.ApplicationServices, configure), options => Apply(options, configure));
    }

    /// <summary>
    /// Serves the protocol on routes: over WebSocket where the upgrade reaches the HTTP pipeline, and for clients without
    /// WebSocket as <c>sse</c> and <c>http_stream</c>, with <c>/emulation</c> for their commands.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="path">The prefix of <c>/websocket</c>, <c>/sse</c> and <c>/http_stream</c>, beginning with a slash.</param>
    /// <param name="emulationPath">The path for commands of stream clients, beginning with a slash.</param>
    /// <param name="configure">
    /// Settings; <c>null</c> for the defaults. To streams apply: origins, the ping's interval, the largest message, the inbound
    /// limits, and how much may wait and for how long.
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
        WeirNode node = hub.Node;
        WeirOptions options = new();
        Apply(options, configure);
        InboundLimit? limit = LimitOf(options);
        HttpStreamAdmission admission = new(
            node, hub.Relay, new OriginPolicy(options.AllowedOrigins), hub.Access.UsesCookies, options.MaxHeadBytes);
        endpoints.Map(path + "/sse", Stream(StreamForm.Events, preface: null));
        endpoints.Map(path + "/http_stream", Stream(StreamForm.Lines, preface: []));
        endpoints.Map(emulationPath, new EmulationEndpoint(hub, admission, options.MaxMessageBytes).InvokeAsync);
        node.AddDrain((window, abortToken) => node.SpreadAsync(
            [.. hub.Streams.Values],
            static session => session.Leave(DisconnectReason.Shutdown),
            window,
            abortToken));
        return endpoints;

        RequestDelegate Stream(StreamForm form, byte[]? preface) => new StreamEndpoint(
            hub,
            form,
            admission,
            new StreamSettings(
                node,
                options.Pressure.CloseAtBytes,
                options.Heartbeat.Interval,
                options.Pressure.MaxDelay,
                preface,
                StreamForms.Format(form, hub.Form.Ping.Span)),
            options.Heartbeat.Interval,
            options.MaxMessageBytes,
            limit).InvokeAsync;
    }

    private static InboundLimit? LimitOf(WeirOptions options) => options.Inbound.CreateLimit(CentrifugoHub.RateTick);

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
        options.KeepRequest = false; // a session copies the fields that it needs
        configure?.Invoke(options);
        options.Heartbeat.Message = "{}";
        options.Heartbeat.CountsOnlyMessages = true; // the page itself answers, which shows that it is alive
        options.Heartbeat.SilenceCode = DisconnectReason.NoPong.Code;
        options.Heartbeat.SilenceReason = DisconnectReason.NoPong.Reason;
        options.Pressure.CloseCode = DisconnectReason.Slow.Code; // SDKs never reconnect after 1009
        options.Pressure.CloseReason = DisconnectReason.Slow.Reason;
        options.Inbound.CloseCode = DisconnectReason.TooManyRequests.Code;
        options.Inbound.CloseReason = DisconnectReason.TooManyRequests.Reason;
        options.ShutdownCode = DisconnectReason.Shutdown.Code;
        options.ShutdownReason = DisconnectReason.Shutdown.Reason;
        options.StreamFragments = false;
        options.Subprotocols = ["centrifuge-json"];
    }
}
