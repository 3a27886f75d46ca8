using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.Handshake;
using Weir.Relay.Access;
using Weir.Relay.Api;
using Weir.Relay.Nodes;
using Weir.Relay.Streams;

namespace Weir.Relay;

/// <summary>Maps the relay's HTTP endpoints to routes of an ASP.NET Core application.</summary>
public static class RelayEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Serves rooms as Server-Sent Events: <c>?room=R[&amp;room=S]</c>, with <c>Last-Event-ID</c> or <c>?last=</c> to continue where a
    /// stream ended. Needs <see cref="RelayServiceCollectionExtensions.AddWeirRelay"/>.
    /// </summary>
    /// <remarks>
    /// The limits of <see cref="WeirNodeOptions"/> hold for streams and connections together, and
    /// <see cref="WeirServiceCollectionExtensions.AddWeir"/> ends both when the application stops. An unauthenticated client gets 401, an
    /// authenticated one without the right 403; a stream whose token expires ends with an event <c>expired</c>. A client that accepts
    /// <c>text/event-stream</c> and cannot be served now (limits, a drain, keys that are not loaded) gets 200, <c>retry:</c> and the end of
    /// the stream, because a browser reconnects after no other response; any other client gets the status, with Retry-After.
    /// </remarks>
    /// <param name="endpoints">The application.</param>
    /// <param name="path">The path, beginning with a slash.</param>
    /// <param name="configure">Settings; <c>null</c> for the defaults.</param>
    public static IEndpointConventionBuilder MapWeirSse(
        this IEndpointRouteBuilder endpoints, string path, Action<SseOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        SseOptions options = new();
        configure?.Invoke(options);
        IServiceProvider services = endpoints.ServiceProvider;
        WeirNode node = WeirNode.Of(services);
        SseEndpoint endpoint = new(
            services.GetRequiredService<RelayNode>(),
            node,
            services.GetService<IClientAccess>() ?? OpenAccess.Instance,
            options.ToSettings(node),
            new OriginPolicy(options.AllowedOrigins),
            options.MaxHeadBytes);
        return endpoints.Map(path, endpoint.InvokeAsync); // all methods: a 405 needs the headers that let a page read it
    }

    /// <summary>
    /// Serves the API for back ends below a path: <c>POST path/publish</c> and the others, in Centrifugo's request and response
    /// shapes. Every path is a 404 until <see cref="ApiOptions.Key"/> or <see cref="ApiOptions.Keys"/> is set.
    /// </summary>
    /// <remarks>
    /// Bodies are JSON in UTF-8 (RFC 8259), and their values have at most 64 levels of arrays and objects; others are refused with 400.
    /// Every status except 200 has a body <c>{"error":{"code":...,"message":...}}</c> with the reason.
    /// </remarks>
    /// <param name="endpoints">The application.</param>
    /// <param name="path">The path, beginning with a slash.</param>
    /// <param name="configure">Settings; <c>null</c> for the defaults.</param>
    public static IEndpointConventionBuilder MapWeirApi(
        this IEndpointRouteBuilder endpoints, string path, Action<ApiOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ApiOptions options = new();
        configure?.Invoke(options);
        IServiceProvider services = endpoints.ServiceProvider;
        ApiEndpoint endpoint = new(
            services.GetRequiredService<RelayNode>(), WeirNode.Of(services), options.ToCallers(), options.MaxBodyBytes,
            services.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance);
        return endpoints.Map(path + "/{method}", endpoint.InvokeAsync); // all methods: those except POST are answered with a reason
    }
}
