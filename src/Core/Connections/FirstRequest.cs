using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Weir.Connections;

/// <summary>
/// Keeps the server's request to close from HTTP while a connection's first request may be on its way: Kestrel ends a connection that
/// is asked to close before it has begun to read, though a request is there, and its client would be left without an answer.
/// </summary>
/// <remarks>A connection that is older than this is asked to close at once.</remarks>
internal sealed class FirstRequest : IConnectionLifetimeNotificationFeature, IDisposable
{
    private readonly IConnectionLifetimeNotificationFeature? _server;
    private readonly TimeProvider _time;
    private readonly TimeSpan _patience;
    private readonly long _began;
    private readonly CancellationTokenSource _close = new();
    private readonly CancellationTokenRegistration _request;
    private ITimer? _timer;

    /// <param name="transport">The connection, which is about to be given to HTTP.</param>
    /// <param name="time">The clock.</param>
    /// <param name="patience">How long from now its first request is waited for.</param>
    public FirstRequest(ConnectionContext transport, TimeProvider time, TimeSpan patience)
    {
        _time = time;
        _patience = patience;
        _began = time.GetTimestamp();
        _server = transport.Features.Get<IConnectionLifetimeNotificationFeature>();
        ConnectionClosedRequested = _close.Token;
        transport.Features.Set<IConnectionLifetimeNotificationFeature>(this);
        _request = _server?.ConnectionClosedRequested.UnsafeRegister(static first => ((FirstRequest)first!).OnRequested(), this) ?? default;
    }

    public CancellationToken ConnectionClosedRequested { get; set; }

    public void RequestClose() => _server?.RequestClose();

    /// <summary>HTTP has ended.</summary>
    public void Dispose()
    {
        _request.Dispose(); // waits for a call that is under way
        _timer?.Dispose();
    }

    private void OnRequested()
    {
        TimeSpan left = _patience - _time.GetElapsedTime(_began);
        if (left <= TimeSpan.Zero)
        {
            _close.Cancel();
        }
        else
        {
            _timer = _time.CreateTimer(static close => ((CancellationTokenSource)close!).Cancel(), _close, left, Timeout.InfiniteTimeSpan);
        }
    }
}
