using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Weir.Connections;
using Weir.Hosting;

namespace Weir;

/// <summary>Adds WebSocket endpoints to a Kestrel listener.</summary>
public static class WeirConnectionBuilderExtensions
{
    /// <summary>
    /// Serves WebSocket connections for one path of this listener. Call it once per path, after <c>UseHttps</c> where the
    /// listener uses TLS. Requests that are not a WebSocket upgrade for one of the paths are passed on to Kestrel's HTTP
    /// pipeline.
    /// </summary>
    /// <remarks>
    /// An upgrade that arrives as a later request of a keep-alive connection, or over HTTP/2, reaches the HTTP pipeline: map the
    /// same path with <c>MapWeir</c> (<see cref="WeirEndpointRouteBuilderExtensions"/>) to serve those too.
    /// </remarks>
    /// <param name="builder">The listener, a <c>ListenOptions</c>; any connection builder works.</param>
    /// <param name="path">The path, beginning with a slash; compared exactly with the request's decoded path.</param>
    /// <param name="handler">Serves all connections of this path.</param>
    /// <param name="configure">Settings; <c>null</c> for the defaults.</param>
    /// <exception cref="ArgumentException">The path does not begin with a slash, or a setting is invalid.</exception>
    /// <exception cref="InvalidOperationException">The path is already in use on this listener.</exception>
    public static TBuilder UseWeir<TBuilder>(this TBuilder builder, string path, WeirHandler handler, Action<WeirOptions>? configure = null)
        where TBuilder : IConnectionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(handler);
        WeirListener listener = WeirListener.Of(builder, out bool isNew);
        listener.Add(listener.Engine.CreateEndpoint(path, handler, configure));
        if (isNew)
        {
            builder.Use(next => new WeirMiddleware(next, listener).OnConnectionAsync);
        }

        return builder;
    }

    /// <summary>As above, with a handler created from the application's services.</summary>
    /// <typeparam name="THandler">Resolved from the services if registered there, else created once with its dependencies.</typeparam>
    /// <inheritdoc cref="UseWeir{TBuilder}(TBuilder, string, WeirHandler, Action{WeirOptions})"/>
    public static IConnectionBuilder UseWeir<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>(
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
