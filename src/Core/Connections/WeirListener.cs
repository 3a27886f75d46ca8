using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Weir.Handshake;
using Weir.Timing;

namespace Weir.Connections;

/// <summary>What stands behind one port: its endpoints by path, and the timer wheel of its connections.</summary>
internal sealed class WeirListener : IEndpointLookup
{
    // UseWeir may be called many times on one listener; the first call brings the middleware, all share this.
    private static readonly ConditionalWeakTable<IConnectionBuilder, WeirListener> Listeners = [];

    private readonly List<WeirEndpoint> _endpoints = [];

    public WeirListener(WeirEngine engine)
    {
        Engine = engine;
        Wheel = new TimerWheel(engine.Time, engine.Logger, TimerWheel.DefaultTick);
    }

    public WeirEngine Engine { get; }

    public TimerWheel Wheel { get; }

    /// <summary>The largest of the endpoints': the path is known only when the head is.</summary>
    public int MaxHeadBytes { get; private set; }

    /// <inheritdoc cref="MaxHeadBytes"/>
    public TimeSpan HandshakeTimeout { get; private set; }

    /// <summary>The listener of this builder, and whether this call made it.</summary>
    public static WeirListener Of(IConnectionBuilder builder, out bool isNew)
    {
        isNew = !Listeners.TryGetValue(builder, out WeirListener? listener);
        if (listener is null)
        {
            listener = new WeirListener(WeirEngine.Of(builder.ApplicationServices));
            Listeners.Add(builder, listener);
        }

        return listener;
    }

    public void Add(WeirEndpoint endpoint)
    {
        if (Find(endpoint.Path) is not null)
        {
            throw new InvalidOperationException($"The path '{endpoint.Path}' is already taken on this listener.");
        }

        _endpoints.Add(endpoint);
        MaxHeadBytes = Math.Max(MaxHeadBytes, endpoint.MaxHeadBytes);
        HandshakeTimeout = endpoint.HandshakeTimeout > HandshakeTimeout ? endpoint.HandshakeTimeout : HandshakeTimeout;
    }

    public WeirEndpoint? Find(string path) => _endpoints.Find(endpoint => endpoint.Path == path);
}
