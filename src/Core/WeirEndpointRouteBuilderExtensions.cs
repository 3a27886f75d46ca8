using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Weir.Connections;
using Weir.Hosting;

namespace Weir;

/// <summary>Adds WebSocket endpoints to routes of an ASP.NET Core application.</summary>
public static class WeirEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Serves WebSocket connections that reach the HTTP pipeline: an upgrade on a keep-alive connection that was used for
    /// another request before, and HTTP/2 (RFC 8441). The faster entry point is
    /// <see cref="WeirConnectionBuilderExtensions.UseWeir{TBuilder}(TBuilder, string, WeirHandler, Action{WeirOptions})"/>;
    /// use the same handler for both.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="path">The path, beginning with a slash.</param>
    /// <param name="handler">Serves all connections of this path.</param>
    /// <param name="configure">
    /// Settings; <c>null</c> for the defaults. <c>MaxHeadBytes</c> takes effect up to Kestrel's own limits, which are checked
    /// first (<c>MaxRequestLineSize</c>, by default 8 KiB; <c>MaxRequestHeadersTotalSize</c>;
    /// <c>Http2.MaxRequestHeaderFieldSize</c>); <c>HandshakeTimeout</c> has no effect here.
    /// </param>
    /// <returns>For conventions such as <c>RequireAuthorization</c>, which work as on any endpoint.</returns>
    /// <exception cref="ArgumentException">The path does not begin with a slash, or a setting is invalid.</exception>
    public static IEndpointConventionBuilder MapWeir(
        this IEndpointRouteBuilder endpoints, string path, WeirHandler handler, Action<WeirOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(handler);
        WeirEngine engine = WeirEngine.Of(endpoints.ServiceProvider);
        WeirEndpoint endpoint = engine.CreateEndpoint(path, handler, configure);
        UpgradeEndpoint upgradeEndpoint = new(endpoint, new WeirListener(engine));
        return endpoints.Map(path, (RequestDelegate)upgradeEndpoint.InvokeAsync);
    }

    /// <summary>As above, with a delegate that is called for each message.</summary>
    /// <inheritdoc cref="MapWeir(IEndpointRouteBuilder, string, WeirHandler, Action{WeirOptions})"/>
    public static IEndpointConventionBuilder MapWeir(
        this IEndpointRouteBuilder endpoints,
        string path,
        Func<WeirConnection, WeirMessage, ValueTask> onMessage,
        Action<WeirOptions>? configure = null)
        => endpoints.MapWeir(path, new DelegateHandler(onMessage), configure);
}
