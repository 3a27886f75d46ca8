using Microsoft.AspNetCore.Connections;
using Weir.Diagnostics;
using Weir.Timing;

namespace Weir.Connections;

/// <summary>
/// The one timer a connection has: first for its handshake, later for its close. Quiet in between.
/// </summary>
internal sealed class ConnectionTimer(TimerWheel wheel, ConnectionContext transport, WeirEngine engine) : TimerNode
{
    private TimeSpan _timeout;
    private bool _isHandshake;
    private volatile bool _retired;

    /// <summary>The connection is aborted unless <see cref="Stop"/> or another start comes first.</summary>
    public void StartHandshake(TimeSpan timeout) => Start(timeout, isHandshake: true);

    /// <inheritdoc cref="StartHandshake"/>
    public void StartClose(TimeSpan timeout) => Start(timeout, isHandshake: false);

    public void Stop() => wheel.Cancel(this);

    /// <summary>
    /// Stops the timer for good. Whoever closes a connection may be overtaken by its end: what it starts then must not
    /// abort a transport that is somebody else's by the time it is due.
    /// </summary>
    public void Retire()
    {
        _retired = true;
        Stop();
    }

    protected internal override void OnExpired()
    {
        if (_isHandshake)
        {
            WeirLog.HandshakeTimedOut(engine.Logger, transport.ConnectionId, _timeout);
            engine.Metrics.Refused(statusCode: 0);
        }
        else
        {
            WeirLog.CloseTimedOut(engine.Logger, transport.ConnectionId, _timeout);
        }

        transport.Abort(new ConnectionAbortedException(_isHandshake
            ? "The WebSocket handshake took too long."
            : "The WebSocket closing handshake took too long."));
    }

    private void Start(TimeSpan timeout, bool isHandshake)
    {
        _timeout = timeout;
        _isHandshake = isHandshake;
        wheel.Schedule(this, timeout);
        if (_retired)
        {
            Stop();
        }
    }
}
