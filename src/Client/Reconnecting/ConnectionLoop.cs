using Weir.Client.Events;
using Weir.Client.Receiving;
using Weir.Client.Timing;
using Weir.Client.Transport;

namespace Weir.Client.Reconnecting;

/// <summary>
/// Connects, runs the protocol until the connection ends, waits, and connects again, until the client is stopped or must not
/// reconnect. It is one task and needs no lock; <see cref="Start"/> and <see cref="DisposeAsync"/> may be called from any thread.
/// </summary>
internal sealed class ConnectionLoop : IAsyncDisposable
{
    private readonly ReconnectSettings _settings;
    private readonly ISessions _sessions;
    private readonly ConnectRequest _request;
    private readonly bool _tokenInHead; // otherwise the protocol sends it
    private readonly IClientTransport _transport;
    private readonly TimeProvider _time;
    private readonly Backoff _backoff;
    private readonly TimeSpan _stableAfter;
    private readonly TimeSpan _connectTimeout;
    private readonly TimeSpan _tokenTimeout;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<ConnectionEnd> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _token;
    private long _openedAt;
    private bool _opened;
    private bool _hasConnected;
    private Exception? _crash;
    private int _attempts;
    private int _state;
    private int _disposed;

    public ConnectionLoop(ReconnectSettings settings, ISessions sessions, ConnectRequest request, bool tokenInHead)
    {
        _settings = settings;
        _sessions = sessions;
        _request = request;
        _tokenInHead = tokenInHead;
        _transport = settings.Transport;
        _time = settings.Time;
        _backoff = new Backoff(settings.Backoff);
        _stableAfter = settings.StableAfter;
        _connectTimeout = settings.ConnectTimeout;
        _tokenTimeout = settings.TokenTimeout;
        Handlers = new Dispatcher(Fail);
        Stopping = _stop.Token;
    }

    /// <summary>Gets the dispatcher for handlers of this client and its subscriptions.</summary>
    public Dispatcher Handlers { get; }

    public ClientState State => (ClientState)Volatile.Read(ref _state);

    /// <summary>Completes with the end of the last connection; fails with the exception of a callback.</summary>
    public Task<ConnectionEnd> Completion => _completion.Task;

    /// <summary>Cancelled when the client is stopped.</summary>
    public CancellationToken Stopping { get; }

    /// <exception cref="InvalidOperationException">The client was started before.</exception>
    public void Start()
    {
        if (Interlocked.CompareExchange(ref _state, (int)ClientState.Connecting, (int)ClientState.Idle) != (int)ClientState.Idle)
        {
            throw new InvalidOperationException("A client starts once.");
        }

        _ = Task.Run(RunAsync);
    }

    /// <summary>
    /// Stops the client and waits for its end, unless one of its own callbacks calls it, which would wait for itself.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        // The token source is not disposed: without a timer it holds no resources, and callbacks may still read it.
        Task done = Completion;
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _stop.CancelAsync();
            if (Interlocked.CompareExchange(ref _state, (int)ClientState.Closed, (int)ClientState.Idle) == (int)ClientState.Idle)
            {
                done = FinishAsync(new ConnectionEnd(EndKind.ClosedByClient)); // it never started
            }
        }

        if (!Handlers.IsCaller)
        {
            await done.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Records that the connection is usable, and the time. Returns the event for the application without raising it.</summary>
    public Connected Opened()
    {
        _opened = true;
        _hasConnected = true;
        _openedAt = _time.GetTimestamp();
        Connected connected = new(_attempts);
        _attempts = 0;
        Volatile.Write(ref _state, (int)ClientState.Connected);
        return connected;
    }

    /// <summary>Replaces the token by one that the protocol has obtained.</summary>
    public void UseToken(string token) => _token = token;

    private async Task RunAsync()
    {
        Handlers.Enter();
        ConnectionEnd end;
        try
        {
            end = await ConnectUntilTheEndAsync();
        }
        catch (Exception error)
        {
            // The exception of a callback: Completion fails with it.
            Interlocked.CompareExchange(ref _crash, error, null);
            end = new ConnectionEnd(EndKind.ClosedByClient);
        }

        Volatile.Write(ref _state, (int)ClientState.Closed);
        await FinishAsync(end);
    }

    private async Task<ConnectionEnd> ConnectUntilTheEndAsync()
    {
        while (true)
        {
            Volatile.Write(ref _state, (int)ClientState.Connecting);
            ConnectionEnd end = await AttemptAsync();
            if (Stopping.IsCancellationRequested)
            {
                return new ConnectionEnd(EndKind.ClosedByClient);
            }

            if (!ShouldReconnect(end))
            {
                return end;
            }

            TimeSpan delay = _backoff.Next(end.RetryAfter);
            Volatile.Write(ref _state, (int)ClientState.Waiting);
            // The delay starts before the application is notified: a clock that is advanced on the event advances this delay.
            Task waiting = _time.DelayAsync(delay, Stopping);
            await _sessions.RaiseAsync(new Disconnected(end, delay));
            await waiting;
        }
    }

    private async Task<ConnectionEnd> AttemptAsync()
    {
        _opened = false;
        _attempts++;
        if (_settings.GetToken is { } getToken && _token is null)
        {
            try
            {
                _token = await TokenCall.AskAsync(getToken, _tokenTimeout, _time, Stopping);
            }
            catch (Exception error)
            {
                // This does not end the client: a token server may be temporarily unavailable.
                return new ConnectionEnd(EndKind.TokenFailed) { Reason = error.Message, Error = error };
            }

            if (_token is null)
            {
                return new ConnectionEnd(EndKind.NoToken) { Reason = "the callback returned no token" };
            }
        }

        ConnectionEnd end = await ConnectAndServeAsync();
        if (_opened && _time.GetElapsedTime(_openedAt) >= _stableAfter)
        {
            _backoff.Reset();
        }

        if (_sessions.TokenIsBad(end))
        {
            _token = null;
        }

        return end;
    }

    private async Task<ConnectionEnd> ConnectAndServeAsync()
    {
        ConnectAttempt attempt;
        using (CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(Stopping))
        using (RunningTimeout timeout = new(_time, either.Cancel))
        {
            timeout.Begin(_connectTimeout);
            attempt = await _transport.ConnectAsync(_request with { Token = _tokenInHead ? _token : null }, either.Token);
        }

        if (attempt.Connection is not { } connection)
        {
            return attempt.End!;
        }

        await using (connection)
        {
            return await _sessions.ServeAsync(connection, _token, Stopping);
        }
    }

    private bool ShouldReconnect(ConnectionEnd end)
    {
        bool reconnects = _sessions.MayReturn(end, _hasConnected);
        return _settings.ShouldReturn?.Invoke(end, reconnects) ?? reconnects;
    }

    /// <summary>Ends the client after an exception of a handler, with which Completion fails.</summary>
    private void Fail(Exception error)
    {
        Interlocked.CompareExchange(ref _crash, error, null);
        _ = _stop.CancelAsync();
    }

    // The application receives all events, also through its handlers, before Completion completes.
    private async Task FinishAsync(ConnectionEnd end)
    {
        if (Volatile.Read(ref _crash) is { } crash)
        {
            end = new ConnectionEnd(EndKind.ClosedByClient) { Reason = "a callback failed", Error = crash };
        }

        _sessions.Finish(end, end.Kind == EndKind.ClosedByClient ? end.Error : null);
        await Handlers.Idle;
        if (Volatile.Read(ref _crash) is { } error)
        {
            _completion.TrySetException(error);
        }
        else
        {
            _completion.TrySetResult(end);
        }
    }
}
