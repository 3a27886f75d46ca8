using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Weir.Closing;
using Weir.Diagnostics;
using Weir.Protocol;
using Weir.Sending;
using Weir.Transports;

namespace Weir.Connections;

// The life of a connection: opened, one receive loop, closed.
//
// The loop (RunAsync, or ReadOn if the transport calls back) reads, makes one pass over the received bytes, and reads again. All
// calls into the handler come from it, so they never overlap. The first caller to close, from any thread, records the cause
// (_closure; later causes are ignored), then sends the close frame; the loop notices at its next step and from then on only looks
// for the peer's Close.
public sealed partial class WeirConnection : ISenderOwner, IInputOwner
{
    private volatile RecordedClosure? _closure;
    private long _pingSent;
    private int _heartbeatsUnanswered;
    private bool _hasWarnedOfDrops;
    private volatile bool _hasEnded;
    private volatile bool _isInHandler;
    private volatile bool _waitsForPeer;
    private SuspendedPass? _suspended;

    /// <summary>Runs the connection until it has ended. The caller owns the transport and disposes it afterwards.</summary>
    internal async Task RunAsync()
    {
        Begin();
        CancellationTokenRegistration shutdown = RegisterForShutdown();
        try
        {
            _timer.StartHeartbeat(this, _endpoint.Heartbeat);
            await OpenAsync().ConfigureAwait(false);
            PipeReader input = _transport.Transport.Input;
            while (await ProcessAsync(input, await input.ReadAsync().ConfigureAwait(false)).ConfigureAwait(false))
            {
            }
        }
        catch (Exception error) when (TransportErrors.IsExpected(error))
        {
            ((ISenderOwner)this).OnTransportEnded(error);
        }
        finally
        {
            await shutdown.DisposeAsync().ConfigureAwait(false);
            await EndAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// The same for a detached connection. It also disposes the transport and throws no exception, since no caller awaits it. Once
    /// open, it is called when data has arrived (<see cref="IInputOwner"/>): an idle connection has no state machine.
    /// </summary>
    internal async Task RunDetachedAsync(LoopReader input)
    {
        Begin();
        try
        {
            _timer.StartHeartbeat(this, _endpoint.Heartbeat);
            await OpenAsync().ConfigureAwait(false);
        }
        catch (Exception error)
        {
            ((ISenderOwner)this).OnTransportEnded(error);
        }

        ReadOn(input);
    }

    void IInputOwner.OnInput(LoopReader input) => ReadOn(input);

    long ISenderOwner.CurrentTick => _timer.CurrentTick;

    void ISenderOwner.OnQueueBegan()
    {
        if (_endpoint.MaxDelayTicks > 0)
        {
            _timer.CheckDelayIn(_endpoint.MaxDelayTicks);
        }
    }

    void ISenderOwner.OnTaken() => _timer.OnDataReceived();

    void ISenderOwner.OnPressure(bool isHigh)
    {
        _endpoint.Engine.Metrics.Pressure(isHigh);
        try
        {
            _endpoint.Handler.OnPressure(this, isHigh);
        }
        catch (Exception error)
        {
            OnHandlerFailed(error);
        }
    }

    void ISenderOwner.OnDropped(int messages)
    {
        _endpoint.Engine.Metrics.Dropped(messages, _endpoint.Sending.Pressure.PolicyName);
        if (!_hasWarnedOfDrops)
        {
            _hasWarnedOfDrops = true;
            WeirLog.MessagesDropped(_endpoint.Engine.Logger, Id, _endpoint.Sending.Pressure.Policy.ToString());
        }
    }

    void ISenderOwner.OnTooSlow()
    {
        // The sender has put the close frame where the queue was.
        PressureSettings pressure = _endpoint.Sending.Pressure;
        if (TrySetClosure(new WeirClosure(pressure.CloseCode, pressure.CloseReason, CloseCause.SlowConsumer)))
        {
            WeirLog.TooSlow(_endpoint.Engine.Logger, Id, (int)pressure.CloseCode);
            _endpoint.Engine.Metrics.TooSlow();
            _timer.StartClose(pressure.CloseTimeout);
        }
    }

    void ISenderOwner.OnTransportEnded(Exception? error)
    {
        bool isExpected = error is null || TransportErrors.IsExpected(error);
        if (TrySetClosure(WeirClosure.Abort(CloseCauses.OfTransport(error, isExpected))))
        {
            if (isExpected)
            {
                WeirLog.TransportEnded(_endpoint.Engine.Logger, error, Id);
            }
            else
            {
                WeirLog.TransportFailed(_endpoint.Engine.Logger, error!, Id);
            }
        }

        _sender.End();
        _transport.Transport.Input.CancelPendingRead(); // wakes the loop, which may wait for a peer that is gone
    }

    /// <summary>
    /// Whether the loop waits for the handler, and so reads nothing: a silence that is not the client's.
    /// </summary>
    internal bool IsInHandler => _isInHandler;

    /// <summary>Whether the loop reads nothing until the client has taken the answers to what it sent before.</summary>
    internal bool WaitsForPeer => _waitsForPeer;

    /// <inheritdoc cref="ConnectionSender.Flushes"/>
    internal int Flushes => _sender.Flushes;

    /// <inheritdoc cref="ConnectionSender.IsWaiting"/>
    internal bool HasOutputWaiting => _sender.IsWaiting;

    /// <summary>Time for a Ping, or what the protocol has in its place; on the wheel's thread.</summary>
    internal void Ping()
    {
        if (_endpoint.Heartbeat is { Message: { } message })
        {
            // Noted first: the answer may be here before the send has returned.
            Interlocked.Increment(ref _heartbeatsUnanswered);
            Volatile.Write(ref _pingSent, _endpoint.Engine.Time.GetTimestamp());
            if (!_sender.SendHeartbeat(Opcode.Text, new ReadOnlySequence<byte>(message)))
            {
                Interlocked.Decrement(ref _heartbeatsUnanswered);
            }
        }
        else if (_sender.SendPing())
        {
            Volatile.Write(ref _pingSent, _endpoint.Engine.Time.GetTimestamp());
        }
    }

    /// <summary>No data arrived in time; on the wheel's thread.</summary>
    internal void OnHeartbeatTimeout()
    {
        if (_endpoint.Heartbeat is { Silenced: { } closure })
        {
            if (BeginClose(closure))
            {
                WeirLog.HeartbeatMissed(_endpoint.Engine.Logger, Id);
                _endpoint.Engine.Metrics.HeartbeatMissed();
            }

            return;
        }

        if (TrySetClosure(WeirClosure.Abort(CloseCause.HeartbeatTimeout)))
        {
            WeirLog.HeartbeatMissed(_endpoint.Engine.Logger, Id);
            _endpoint.Engine.Metrics.HeartbeatMissed();
        }

        _sender.End();
        _transport.Abort(new ConnectionAbortedException("Nothing came from the WebSocket client within the heartbeat's time."));
    }

    /// <summary>The closing handshake was not completed in time, and the transport is about to be aborted.</summary>
    internal void OnCloseTimeout()
    {
        if (_closure is { } recorded)
        {
            _closure = recorded with { Value = recorded.Value.TimedOut() };
        }
    }

    /// <summary>Time to see whether a message has waited too long; on the wheel's thread.</summary>
    internal void OnDelayDue()
    {
        if (_sender.CheckDelay(_endpoint.MaxDelayTicks) is { } ticks)
        {
            _timer.CheckDelayIn(ticks);
        }
    }

    private void OnPong()
    {
        long sent = Interlocked.Exchange(ref _pingSent, 0);
        if (sent != 0)
        {
            _endpoint.Engine.Metrics.PingRoundTrip(_endpoint.Engine.Time.GetElapsedTime(sent));
        }
    }

    internal RegistryLinks Links { get; set; }

    /// <summary>The node is draining: the client should reconnect, to another node.</summary>
    internal void CloseForShutdown()
        => BeginClose(_endpoint.Shutdown);

    /// <summary>The node is down.</summary>
    internal void AbortUnlessEnded()
    {
        if (!_hasEnded)
        {
            Abort("The server shut down before the WebSocket closing handshake was over.", CloseCause.Draining);
        }
    }

    private CancellationTokenRegistration RegisterForShutdown()
    {
        // A draining node closes its connections before its transports; a registration would cost each idle connection 150 bytes.
        if (_endpoint.Engine.DrainsItself)
        {
            return default;
        }

        CancellationToken requested =
            _transport.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        return requested.UnsafeRegister(static state => ((WeirConnection)state!).CloseForShutdown(), this);
    }

    private async ValueTask OpenAsync()
    {
        try
        {
            ValueTask opened;
            SendScope scope = SendScope.Enter(_sender);
            try
            {
                opened = _endpoint.Handler.OnOpenedAsync(this);
            }
            finally
            {
                scope.Exit();
            }

            _isInHandler = true;
            await opened.ConfigureAwait(false);
        }
        catch (Exception error)
        {
            OnHandlerFailed(error);
        }

        _isInHandler = false;
        _timer.OnDataReceived();

        if (!_endpoint.KeepRequest)
        {
            _request = null;
        }
    }

    private void Begin()
    {
        WeirEngine engine = _endpoint.Engine;
        _timer.OnOpened();
        engine.Metrics.Opened();
        engine.Connections.Add(this);
        WeirLog.ConnectionOpened(engine.Logger, Id, Path);
    }

    private async Task EndDetachedAsync()
    {
        await EndAsync().ConfigureAwait(false);
        await _transport.Features.Get<ILoopThreadFeature>()!.DisposeDetachedAsync().ConfigureAwait(false);
    }

    // RFC 6455 section 5.5.1: the answer carries the code that came. When the close began here this is the answer.
    private void OnPeerClose(CloseCode code, string reason)
    {
        if (_closure is null && TrySetClosure(WeirClosure.ByClient(code, reason)))
        {
            _timer.StartClose(_endpoint.CloseTimeout);
            _sender.SendClose(code, "");
        }
    }

    /// <summary>Begins the closing handshake. Returns false if the connection was already closing or closed.</summary>
    internal bool BeginClose(in WeirClosure closure)
    {
        if (!TrySetClosure(closure))
        {
            return false;
        }

        _timer.StartClose(_endpoint.CloseTimeout);
        _sender.SendClose(closure.Code, closure.Reason);
        return true;
    }

    private void Abort(string reason, CloseCause cause)
    {
        TrySetClosure(WeirClosure.Abort(cause));
        _sender.End();
        _transport.Abort(new ConnectionAbortedException(reason));
    }

    private bool TrySetClosure(in WeirClosure closure)
    {
        if (_closure is not null
            || Interlocked.CompareExchange(ref _closure, new RecordedClosure(closure, _timer.Opened), null) is not null)
        {
            return false;
        }

        _endpoint.Engine.Metrics.States.CloseBegan();
        return true;
    }

    private async ValueTask EndAsync()
    {
        TrySetClosure(WeirClosure.Abort(CloseCause.TransportFailed)); // an exception that no code expects
        Memberships.Close();
        _reader?.Release();

        // The transport must have our close frame before its owner disposes it. A peer that does not take it is cut
        // by the timer, and that ends the wait.
        await _sender.DrainAsync().ConfigureAwait(false);
        _sender.End();
        _timer.Retire();
        _hasEnded = true;
        _endpoint.Engine.Connections.Remove(this);
        _endpoint.Engine.Gate.Leave(RemoteAddress);
        (WeirClosure closure, long opened) = _closure!;
        try
        {
            await _endpoint.Handler.OnClosedAsync(this, closure).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            WeirLog.HandlerFailed(_endpoint.Engine.Logger, error, Id, Path);
        }

        _endpoint.Engine.Metrics.Closed(closure, _endpoint.Engine.Time.GetElapsedTime(opened));
        WeirLog.ConnectionClosed(
            _endpoint.Engine.Logger, Id, (int)closure.Code, CloseCauses.NameOf(closure.Cause), closure.OwnReason);
    }

    /// <summary>The closure, in an object so that it can be set once without a lock.</summary>
    /// <param name="Value">How the connection ended.</param>
    /// <param name="Opened">The timestamp of its opening, which the timer keeps until then.</param>
    private sealed record RecordedClosure(WeirClosure Value, long Opened);
}
