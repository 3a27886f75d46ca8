using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Weir.Timing;

namespace Weir.Connections;

/// <summary>
/// Withholds the server's close request from HTTP while a connection's first request may be in flight: Kestrel ends a connection
/// that is requested to close before it has begun to read, even if a request has arrived, and the client would receive no response.
/// </summary>
/// <remarks>
/// A connection older than the timeout is requested to close immediately. What Kestrel does is shown by
/// findings/kestrel-close-request-before-the-first-read.sh.
/// </remarks>
internal sealed class FirstRequest : IConnectionLifetimeNotificationFeature, IDisposable
{
    private readonly IConnectionLifetimeNotificationFeature? _server;
    private readonly TimeProvider _time;
    private readonly Func<TimeSpan> _left;
    private readonly CancellationTokenSource _close = new();
    private readonly CancellationTokenRegistration _request;
    private RunningTimeout? _timeout;

    /// <param name="transport">The connection, which is about to be passed to HTTP.</param>
    /// <param name="time">The clock.</param>
    /// <param name="left">How long from now to wait for its first request.</param>
    public FirstRequest(ConnectionContext transport, TimeProvider time, Func<TimeSpan> left)
    {
        _time = time;
        _left = left;
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
        _request.Dispose(); // waits for a running call
        _timeout?.Dispose();
    }

    private void OnRequested()
    {
        TimeSpan left = _left();
        if (left <= TimeSpan.Zero)
        {
            _close.Cancel();
        }
        else
        {
            _timeout = new RunningTimeout(left, _time);
            _timeout.Token.UnsafeRegister(static close => ((CancellationTokenSource)close!).Cancel(), _close);
        }
    }
}
