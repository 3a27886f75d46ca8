using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Weir.Connections;

namespace Weir;

/// <summary>Puts WebSocket endpoints on a Kestrel listener.</summary>
public static class WeirConnectionBuilderExtensions
{
    /// <summary>
    /// Serves WebSocket connections for one path of this listener. Call it once per path, after <c>UseHttps</c> where the
    /// listener speaks TLS. Requests that are no WebSocket upgrade for one of the paths go on to Kestrel's HTTP pipeline.
    /// </summary>
    /// <remarks>
    /// An upgrade that comes as a later request of a keep-alive connection, or over HTTP/2, reaches the HTTP pipeline:
    /// map the same path with <see cref="WeirEndpointRouteBuilderExtensions.MapWeir(Microsoft.AspNetCore.Routing.IEndpointRouteBuilder, string, WeirHandler, Action{WeirOptions}?)"/> to serve those too.
    /// </remarks>
    /// <param name="builder">The listener, a <c>ListenOptions</c>; any connection builder will do.</param>
    /// <param name="path">The path, beginning with a slash; compared exactly with the request's decoded path.</param>
    /// <param name="handler">Serves all connections of this path.</param>
    /// <param name="configure">Settings; null for the defaults.</param>
    /// <exception cref="ArgumentException">The path does not begin with a slash, or a setting is invalid.</exception>
    /// <exception cref="InvalidOperationException">The path is already taken on this listener.</exception>
    public static TBuilder UseWeir<TBuilder>(this TBuilder builder, string path, WeirHandler handler, Action<WeirOptions>? configure = null)
        where TBuilder : IConnectionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(handler);
        WeirListener listener = WeirListener.Of(builder, out bool isNew);
        listener.Add(WeirEndpoint.Create(path, handler, configure, listener.Engine));
        if (isNew)
        {
            builder.Use(next => new WeirMiddleware(next, listener).OnConnectionAsync);
        }

        return builder;
    }

    /// <summary>As above, with a handler made by the application's services.</summary>
    /// <typeparam name="THandler">Taken from the services when registered there, else made once with its dependencies.</typeparam>
    /// <inheritdoc cref="UseWeir{TBuilder}(TBuilder, string, WeirHandler, Action{WeirOptions})"/>
    public static IConnectionBuilder UseWeir<[System.Diagnostics.CodeAnalysis.DynamicallyAccessedMembers(System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>(
        this IConnectionBuilder builder, string path, Action<WeirOptions>? configure = null)
        where THandler : WeirHandler
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.UseWeir(path, ActivatorUtilities.GetServiceOrCreateInstance<THandler>(builder.ApplicationServices), configure);
    }

    /// <summary>As above, with a delegate that is called for each message.</summary>
    /// <inheritdoc cref="UseWeir{TBuilder}(TBuilder, string, WeirHandler, Action{WeirOptions})"/>
    public static TBuilder UseWeir<TBuilder>(
        this TBuilder builder, string path, Func<WeirConnection, WeirMessage, ValueTask> onMessage, Action<WeirOptions>? configure = null)
        where TBuilder : IConnectionBuilder
        => builder.UseWeir(path, new DelegateHandler(onMessage), configure);
}
