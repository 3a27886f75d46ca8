using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Weir.Connections;
using Weir.Handshake;
using Weir.Timing;

namespace Weir.Hosting;

/// <summary>The endpoints of one port by path, and the timer wheel of its connections.</summary>
internal sealed class WeirListener : IEndpointLookup
{
    // UseWeir may be called many times on one listener; the first call brings the middleware, all share this.
    private static readonly ConditionalWeakTable<IConnectionBuilder, WeirListener> _listeners = [];

    private readonly List<WeirEndpoint> _endpoints = [];
    private EndpointPaths _paths = new([]);

    /// <param name="engine">The application's.</param>
    /// <param name="time">What drives the wheel; null: the engine's time.</param>
    public WeirListener(WeirEngine engine, TimeProvider? time = null)
    {
        Engine = engine;
        Wheel = new TimerWheel(time ?? engine.Time, engine.Logger, TimerWheel.DefaultTick, engine.Metrics.WheelLag);
    }

    public WeirEngine Engine { get; }

    public TimerWheel Wheel { get; }

    /// <summary>The largest of the endpoints': the path is known only with the request header block.</summary>
    public int MaxHeadBytes { get; private set; }

    /// <inheritdoc cref="MaxHeadBytes"/>
    public TimeSpan HandshakeTimeout { get; private set; }

    /// <summary>The listener of this builder, and whether this call made it.</summary>
    public static WeirListener Of(IConnectionBuilder builder, out bool isNew)
    {
        isNew = !_listeners.TryGetValue(builder, out WeirListener? listener);
        if (listener is null)
        {
            WeirEngine engine = WeirEngine.Of(builder.ApplicationServices);
            listener = new WeirListener(engine, engine.ListenerTime);
            _listeners.Add(builder, listener);
        }

        return listener;
    }

    public void Add(WeirEndpoint endpoint)
    {
        if (_endpoints.Exists(other => other.Path == endpoint.Path))
        {
            throw new InvalidOperationException($"The path '{endpoint.Path}' is already taken on this listener.");
        }

        _endpoints.Add(endpoint);
        _paths = new EndpointPaths(_endpoints.Select(static each => each.Path));
        MaxHeadBytes = Math.Max(MaxHeadBytes, endpoint.MaxHeadBytes);
        HandshakeTimeout = endpoint.HandshakeTimeout > HandshakeTimeout ? endpoint.HandshakeTimeout : HandshakeTimeout;
    }

    public bool Contains(ReadOnlySpan<byte> path) => _paths.Contains(path);

    /// <summary>The endpoint of a request whose path this listener was asked for before.</summary>
    public WeirEndpoint Find(UpgradeRequest request) => _endpoints[_paths.IndexOf(request.EncodedPath)];
}
