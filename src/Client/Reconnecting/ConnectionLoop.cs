using Weir.Client.Timing;
using Weir.Client.Transport;

namespace Weir.Client.Reconnecting;

/// <summary>
/// Connects, lets the protocol use the connection until it ends, waits, and connects again, until it is stopped or there is no use in
/// coming back. It is one task, so nothing here needs a lock; <see cref="Start"/> and <see cref="DisposeAsync"/> are for everybody.
/// </summary>
internal sealed class ConnectionLoop : IAsyncDisposable
{
    private readonly ClientOptions _options;
    private readonly ISessions _sessions;
    private readonly ConnectRequest _request;
    private readonly bool _tokenInHead; // else the protocol sends it
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

    public ConnectionLoop(ClientOptions options, ISessions sessions, ConnectRequest request, bool tokenInHead)
    {
        _options = options;
        _sessions = sessions;
        _request = request;
        _tokenInHead = tokenInHead;
        _transport = options.Transport ?? new SocketTransport(options);
        _time = options.TimeProvider;
        _backoff = new Backoff(options.Reconnect, options.NextRandom);
        _stableAfter = options.Reconnect.StableAfter;
        _connectTimeout = options.ConnectTimeout;
        _tokenTimeout = options.TokenTimeout;
        Handlers = new Dispatcher(Fail);
        Stopping = _stop.Token;
    }

    /// <summary>Calls the user's handlers, of this client and of its subscriptions.</summary>
    public Dispatcher Handlers { get; }

    public ClientState State => (ClientState)Volatile.Read(ref _state);

    /// <summary>Ends with how the last connection ended; fails with what a callback of the user threw.</summary>
    public Task<ConnectionEnd> Completion => _completion.Task;

    /// <summary>Says that the user wants no more.</summary>
    public CancellationToken Stopping { get; }

    /// <exception cref="InvalidOperationException">It was started before.</exception>
    public void Start()
    {
        if (Interlocked.CompareExchange(ref _state, (int)ClientState.Connecting, (int)ClientState.Idle) != (int)ClientState.Idle)
        {
            throw new InvalidOperationException("A client starts once.");
        }

        _ = Task.Run(RunAsync);
    }

    /// <summary>
    /// Stops, and waits until that is done; but not when it is called by one of the client's own callbacks, which would wait for itself.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        // The token source is not disposed: without a timer it holds nothing, and callbacks may still ask it.
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

    /// <summary>The connection is of use: its time counts from now. Returns what the user is to be told; he is not told here.</summary>
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

    /// <summary>The protocol has got another token.</summary>
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
            // What a callback of the user threw: it is seen in Completion.
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

            if (!Returns(end))
            {
                return end;
            }

            TimeSpan delay = _backoff.Next(end.RetryAfter);
            Volatile.Write(ref _state, (int)ClientState.Waiting);
            // The time runs before the user is notified: a clock that is moved because of the event is moved for this wait.
            Task waiting = _time.DelayAsync(delay, Stopping);
            await _sessions.RaiseAsync(new Disconnected(end, delay));
            await waiting;
        }
    }

    private async Task<ConnectionEnd> AttemptAsync()
    {
        _opened = false;
        _attempts++;
        if (_options.GetToken is { } getToken && _token is null)
        {
            try
            {
                _token = await TokenCall.AskAsync(getToken, _tokenTimeout, _time, Stopping);
            }
            catch (Exception error)
            {
                // Not the end of the client: a server for tokens may be away for a while too.
                return new ConnectionEnd(EndKind.TokenFailed) { Reason = error.Message, Error = error };
            }

            if (_token is null)
            {
                return new ConnectionEnd(EndKind.NoToken) { Reason = "the callback brought no token" };
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
        ConnectOutcome outcome;
        using (CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(Stopping))
        using (Patience patience = new(_time, either.Cancel))
        {
            patience.Begin(_connectTimeout);
            outcome = await _transport.ConnectAsync(_request with { Token = _tokenInHead ? _token : null }, either.Token);
        }

        if (outcome.Connection is not { } connection)
        {
            return outcome.End!;
        }

        await using (connection)
        {
            return await _sessions.ServeAsync(connection, _token, Stopping);
        }
    }

    private bool Returns(ConnectionEnd end)
    {
        bool returns = _sessions.MayReturn(end, _hasConnected);
        return _options.Reconnect.ShouldReturn?.Invoke(end, returns) ?? returns;
    }

    /// <summary>A handler of the user has thrown: the client ends, and its Completion fails with that.</summary>
    private void Fail(Exception error)
    {
        Interlocked.CompareExchange(ref _crash, error, null);
        _ = _stop.CancelAsync();
    }

    // The user is given all there is, by his handlers too, before the end is said to be there.
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
