using System.Diagnostics.CodeAnalysis;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Weir.Connections;
using Weir.Handshake;
using Weir.Hosting;
using Weir.Limits;
using Weir.Timing;

namespace Weir;

/// <summary>
/// The node as a whole: its connections, its drain, and what protocols that are not WebSocket endpoints share with them: limits,
/// clock, calendar. A service of the application once <see cref="WeirServiceCollectionExtensions.AddWeir"/> was called; without it
/// <see cref="Of"/> returns a node without limits. Thread-safe.
/// </summary>
public sealed class WeirNode
{
    private readonly WeirEngine _engine;

    internal WeirNode(WeirEngine engine) => _engine = engine;

    /// <summary>Connections that have not ended, closing ones included.</summary>
    public int Connections => _engine.Connections.Count;

    /// <summary>Bytes pending for slow clients.</summary>
    public long PendingBytes => _engine.Pressure.Bytes;

    /// <summary>Whether the node is draining: upgrades are then refused with 503.</summary>
    public bool IsDraining => _engine.Gate.IsDraining;

    /// <summary>The clock of the node: the <see cref="TimeProvider"/> of the application, else the system's.</summary>
    public TimeProvider Time => _engine.Time;

    /// <summary>The deadlines of the wall clock of all connections and streams of the node; not to be disposed.</summary>
    [Experimental("WEIR001")]
    public Calendar Calendar => _engine.Calendar;

    /// <summary>Returns the node of an application, whether or not <see cref="WeirServiceCollectionExtensions.AddWeir"/> was called.</summary>
    /// <param name="services">The application's services.</param>
    public static WeirNode Of(IServiceProvider services)
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.GetService<WeirNode>() ?? new WeirNode(WeirEngine.Of(services));
    }

    /// <summary>
    /// Refuses new connections and closes all open ones with 1001, spread over a window. Those still open at its end are aborted.
    /// Called automatically when the application stops.
    /// </summary>
    /// <param name="window">The time over which connections are closed; zero: all at once.</param>
    /// <param name="abortToken">Ends the drain immediately: the remaining connections are aborted.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="window"/> is negative.</exception>
    public Task DrainAsync(TimeSpan window, CancellationToken abortToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window, TimeSpan.Zero);
        return Drain.RunNodeAsync(_engine, window, abortToken);
    }

    /// <summary>
    /// Adds a participant in the drain: it is called when the node drains, after the node has ended admissions and concurrently with
    /// the closes of the connections, and the drain completes when it has completed too. For clients that are not WebSocket
    /// connections. Participants are not removed: add one per endpoint, not one per client.
    /// </summary>
    /// <param name="drain">
    /// Ends the participant's clients over the window that it is passed (<see cref="SpreadAsync"/>), or immediately when its token is
    /// cancelled. An exception is that of <see cref="DrainAsync"/>.
    /// </param>
    [Experimental("WEIR001")]
    public void AddDrain(Func<TimeSpan, CancellationToken, Task> drain)
    {
        ArgumentNullException.ThrowIfNull(drain);
        _engine.AddDrain(drain);
    }

    /// <summary>
    /// Ends clients one after another over a window, at the pace at which a drain closes connections: at least 100 a second, so that
    /// few clients take less than the window.
    /// </summary>
    /// <param name="clients">The clients.</param>
    /// <param name="end">Ends one. It must not block.</param>
    /// <param name="window">The time over which they are ended; zero or less: 100 a second.</param>
    /// <param name="abortToken">Ends the remaining ones immediately.</param>
    /// <returns>Completes when <paramref name="end"/> was called for each; it fails with the first exception of a call.</returns>
    [Experimental("WEIR001")]
    public Task SpreadAsync<T>(IReadOnlyCollection<T> clients, Action<T> end, TimeSpan window, CancellationToken abortToken)
    {
        ArgumentNullException.ThrowIfNull(clients);
        ArgumentNullException.ThrowIfNull(end);
        return Drain.SpreadAsync(_engine.Time, clients, end, window, abortToken);
    }

    /// <summary>Returns the connection with this id. O(n): for an operator's requests, not for each message.</summary>
    /// <param name="id">See <see cref="WeirConnection.Id"/>.</param>
    /// <returns><c>null</c> if there is none, or if the drain has begun to close it.</returns>
    public WeirConnection? FindConnection(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        return _engine.Connections.Find(id);
    }

    /// <summary>Returns the connections that match. O(n), as <see cref="FindConnection"/>.</summary>
    /// <param name="match">Called for each connection, under a lock: it must be quick, and must not call back into the node.</param>
    /// <returns>Empty if there are none; without those that the drain has begun to close.</returns>
    public IReadOnlyList<WeirConnection> FindConnections(Predicate<WeirConnection> match)
    {
        ArgumentNullException.ThrowIfNull(match);
        return _engine.Connections.FindAll(match);
    }

    /// <summary>
    /// Returns the address by which the limits count a client: the peer's, or, if that is a trusted proxy
    /// (<see cref="WeirNodeOptions.TrustedProxies"/>), the last address in X-Forwarded-For that is not a trusted proxy's.
    /// </summary>
    /// <param name="http">The request.</param>
    /// <returns><c>null</c> if it is unknown: the peer is on a Unix socket and is not a proxy that names the client.</returns>
    public IPAddress? GetClientAddress(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        return ClientAddress.Of(http.Connection.RemoteIpAddress, http.Request.Headers, _engine.Settings.Proxies);
    }

    /// <summary>
    /// Admits a client within the limits of the node (<see cref="WeirNodeOptions"/>), which hold for connections and other clients
    /// together.
    /// </summary>
    /// <param name="address">Its address, from <see cref="GetClientAddress"/>; <c>null</c>: no limit per address applies.</param>
    /// <returns>
    /// <c>null</c> if it is admitted: <see cref="Release"/> must be called once, with the same address, when it has ended. Otherwise
    /// the refusal, which is temporary: the node drains, or a limit is reached.
    /// </returns>
    [Experimental("WEIR001")]
    public HandshakeRefusal? Admit(IPAddress? address) => _engine.Gate.Enter(address);

    /// <summary>Releases an admission.</summary>
    /// <param name="address">The address that was passed to <see cref="Admit"/>.</param>
    [Experimental("WEIR001")]
    public void Release(IPAddress? address) => _engine.Gate.Leave(address);

    /// <summary>
    /// Returns the time after which a refused client should make another attempt, different for each client: those that were refused
    /// together then return apart, and those beyond the rate of handshakes when they can be admitted.
    /// </summary>
    /// <param name="refusal">A temporary refusal; of one that is final the time is zero.</param>
    [Experimental("WEIR001")]
    public TimeSpan GetRetryDelay(HandshakeRefusal refusal)
    {
        ArgumentNullException.ThrowIfNull(refusal);
        return _engine.Gate.WaitAfter(refusal);
    }

    /// <summary>Counts a refused client in the metric <c>weir.handshakes.refused</c>.</summary>
    /// <param name="refusal">The reason.</param>
    [Experimental("WEIR001")]
    public void CountRefused(HandshakeRefusal refusal)
    {
        ArgumentNullException.ThrowIfNull(refusal);
        _engine.Metrics.Refused(refusal.StatusCode, refusal.Name);
    }

    /// <summary>Counts a client that was disconnected because it read too slowly in the metric <c>weir.connections.too_slow</c>.</summary>
    [Experimental("WEIR001")]
    public void CountTooSlow() => _engine.Metrics.TooSlow();

    /// <summary>
    /// Creates a timer wheel on the node's clock, with ticks of <see cref="TimerWheel.DefaultTick"/>. One serves any number of clients:
    /// create one per endpoint. The caller disposes it.
    /// </summary>
    [Experimental("WEIR001")]
    public TimerWheel CreateTimerWheel() => new(_engine.Time, _engine.Logger, TimerWheel.DefaultTick);
}
