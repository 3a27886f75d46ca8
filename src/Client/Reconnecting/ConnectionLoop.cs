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
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<ConnectionEnd> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _token;
    private long _openedAt;
    private bool _opened;
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
        Stopping = _stop.Token;
    }

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

    /// <summary>Stops, and waits until that is done.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            await ((Task)_completion.Task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        if (Interlocked.CompareExchange(ref _state, (int)ClientState.Closed, (int)ClientState.Idle) == (int)ClientState.Idle)
        {
            Finish(new ConnectionEnd(EndKind.ClosedByClient), null); // it never started
        }

        await _stop.CancelAsync();
        await ((Task)_completion.Task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    /// <summary>The connection is of use: its time counts from now. Returns what the user is to be told; he is not told here.</summary>
    public Connected Opened()
    {
        _opened = true;
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
        try
        {
            while (true)
            {
                Volatile.Write(ref _state, (int)ClientState.Connecting);
                ConnectionEnd end = await AttemptAsync();
                if (Stopping.IsCancellationRequested || !Returns(end))
                {
                    end = Stopping.IsCancellationRequested ? new ConnectionEnd(EndKind.ClosedByClient) : end;
                    Volatile.Write(ref _state, (int)ClientState.Closed);
                    await _sessions.RaiseAsync(new Closed(end));
                    Finish(end, null);
                    return;
                }

                TimeSpan delay = _backoff.Next(end.RetryAfter);
                Volatile.Write(ref _state, (int)ClientState.Waiting);
                // The time runs before anybody hears of it: whoever moves the clock on hearing of it moves it for this wait.
                Task waiting = Task.Delay(delay, _time, Stopping);
                await _sessions.RaiseAsync(new Disconnected(end, delay));
                await waiting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        catch (Exception error)
        {
            // What a callback of the user threw. There is nobody to throw it to but whoever looks at Completion.
            Volatile.Write(ref _state, (int)ClientState.Closed);
            Finish(new ConnectionEnd(EndKind.ClosedByClient) { Reason = "a callback failed", Error = error }, error);
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
                _token = await getToken(Stopping);
            }
            catch (Exception error)
            {
                // Not the end of the client: servers for tokens have bad days too. It is told, and tried again.
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
        using (CancellationTokenSource late = new(_connectTimeout, _time))
        using (CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, Stopping))
        {
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
        bool returns = _sessions.MayReturn(end);
        return _options.Reconnect.ShouldReturn?.Invoke(end, returns) ?? returns;
    }

    private void Finish(ConnectionEnd end, Exception? error)
    {
        _sessions.Finish(end, error);
        if (error is null)
        {
            _completion.TrySetResult(end);
        }
        else
        {
            _completion.TrySetException(error);
        }
    }
}
