using Weir.Brokers.Postgres.Announcing;
using Weir.Brokers.Postgres.Calls;
using Weir.Brokers.Postgres.Diagnostics;
using Weir.Brokers.Postgres.Keeping;
using Weir.Brokers.Postgres.Lanes;
using Weir.Brokers.Postgres.Sessions;
using Weir.Brokers.Postgres.Signals;
using Weir.Diagnostics;
using Weir.Relay.Brokers;
using Weir.Timing;

namespace Weir.Brokers.Postgres;

/// <summary>
/// One loop makes the connections of a session, probes it until it fails, and begins again; a failure of any connection ends the session.
/// </summary>
public sealed partial class PostgresBroker
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(1);

    private readonly Lock _healthGate = new();
    private readonly Signal _wake = new();
    private volatile BrokerHealth _health = BrokerHealth.Degraded;
    private long _answers;
    private long _refusals; // requests that PostgreSQL answered with an error
    private string _lastRefusal = "";
    private string _lastUnfit = "";
    private bool _hasWarnedOfDown;
    private bool _hasWarnedOfRefusal;

    /// <inheritdoc />
    public BrokerHealth Health => _health;

    // Any error by which the server refuses a request triggers a probe immediately.
    private void OnRefused(Exception error)
    {
        _lastRefusal = error.Message;
        Interlocked.Increment(ref _refusals);
        if (_health == BrokerHealth.Up)
        {
            _wake.Set();
        }
    }

    private async Task SuperviseAsync()
    {
        TimeSpan pause = _firstPause;
        while (!_stopping.IsCancellationRequested)
        {
            Session? session = null;
            try
            {
                session = await OpenAsync().ConfigureAwait(false);
                await ServeAsync(session, () => pause = _firstPause).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                // The broker is being disposed.
            }
            catch (ServerRefusedException error)
            {
                NoteUnfit(error.Message);
                WentDown("The server cannot be used.", error);
            }
            catch (Exception error)
            {
                // Of many types; no exception may end the supervision.
                WentDown(error is SessionFailedException ? error.Message : "PostgreSQL did not reply as expected.", error.InnerException ?? error);
                PostgresLog.TryFailed(_logger, error);
            }

            Abandon(session);
            await Task.Delay(pause, _time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = TimeSpan.FromTicks(Math.Min(2 * pause.Ticks, _longestPause.Ticks));
        }
    }

    private async Task<Session> OpenAsync()
    {
        // The library's own timeout is for one host and one step.
        using RunningTimeout timeout = new(2 * _options.ConnectTimeout, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stopping.Token);
        Task<ServerConnections> opening = ServerConnections.OpenAsync(_source, PostgresMigration.Version, either.Token);
        ServerConnections connections;
        try
        {
            connections = await opening.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_stopping.IsCancellationRequested)
        {
            DisposeLate(opening);
            throw new TimeoutException($"PostgreSQL has not accepted {ServerConnections.Count} connections in {2 * _options.ConnectTimeout}.");
        }
        catch (OperationCanceledException)
        {
            DisposeLate(opening);
            throw;
        }

        Session session = new(connections);
        try
        {
            (string generation, long[] heads) = await session.BeginAsync(_sink!.NodeId, either.Token).ConfigureAwait(false);
            Run(session, _order!.Begin(generation, heads));
            return _session = session;
        }
        catch
        {
            Abandon(session);
            throw;
        }
    }

    private void Run(Session session, int number)
    {
        string system = session.Identity.System;
        AnnouncementReader reader = new(_order!, number, _metrics, _time, _options.ProbeInterval);
        OutboxMover? outbox = _options.OutboxInterval == TimeSpan.Zero
            ? null
            : new OutboxMover(system, _options.MetaTtl, _sink!.RuleOf, _trim, _metrics);
        Keeper keeper = new(_sink!.NodeId, outbox, _trim, _time, _options.OutboxInterval, _logger);
        session.Run(
            new NotificationListener(_sink.NodeId, _order!, reader, PlainLane.Number, keeper.Wake),
            reader,
            keeper,
            new KeptLane(_sink.NodeId, system, _options.MetaTtl, _trim, Announce, _metrics, OnRefused),
            new PlainLane(_sink.NodeId, Announce, _metrics, OnRefused));

        void Announce(int lane, long batchNumber, IAnnouncedBatch batch)
        {
            Interlocked.Increment(ref _answers);
            if (!_order!.Add(number, lane, batchNumber, batch))
            {
                reader.Wake(lane);
            }
        }
    }

    private static void DisposeLate(Task<ServerConnections> opening)
        => _ = opening.ContinueWith(
            static late => late.Result.DisposeAsync().AsTask(),
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnRanToCompletion,
            TaskScheduler.Default);

    private async Task ServeAsync(Session session, Action onUp)
    {
        bool isFirst = true;
        while (true)
        {
            Task probe = ProbeAsync(session);
            if (await Task.WhenAny(probe, session.Failure).WaitAsync(_stopping.Token).ConfigureAwait(false) == session.Failure)
            {
                _ = probe.ContinueWith(static late => late.Exception, TaskScheduler.Default); // its reason is the session's
                (string what, Exception error) = await session.Failure.ConfigureAwait(false);
                throw new SessionFailedException(what, error);
            }

            await probe.ConfigureAwait(false);
            Settle(session, isFirst);
            isFirst = false;
            onUp();
            await WaitAsync(session).ConfigureAwait(false);
        }
    }

    private async Task WaitAsync(Session session)
    {
        using CancellationTokenSource failed = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        Task wake = _wake.WaitAsync(_options.ProbeInterval, _time, failed.Token);
        await Task.WhenAny(wake, session.Failure).ConfigureAwait(false);
        await failed.CancelAsync().ConfigureAwait(false);
        await wake.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Sends a probe through both lanes, whose notification must return. A refusal is an answer.</summary>
    /// <exception cref="TimeoutException">It did not come through.</exception>
    private async Task ProbeAsync(Session session)
    {
        PublishCall kept = PublishCall.Probe();
        PlainCall plain = PlainCall.Probe();
        long answers = Volatile.Read(ref _answers);
        // Other answers meanwhile show that the probe is behind them.
        using RunningTimeout timeout = new(_options.ProbeTimeout, _time, HasProgressed);
        await timeout.WaitAsync(ComeThroughAsync(), _stopping.Token).ConfigureAwait(false);

        bool HasProgressed()
        {
            long before = answers;
            answers = Volatile.Read(ref _answers);
            return answers != before;
        }

        async Task ComeThroughAsync()
        {
            try
            {
                if (!session.Kept.TryAdd(kept) || !session.Plain.TryAdd(plain))
                {
                    throw PostgresFailure.Unavailable();
                }

                await kept.Task.ConfigureAwait(false);
                await session.Listener!.WhenArrivedAsync(await plain.Task.ConfigureAwait(false)).ConfigureAwait(false);
            }
            catch (BrokerUnavailableException error) when (error.InnerException is { } refusal && PostgresFailure.IsAnswer(refusal))
            {
                // Counted by the lane.
            }
        }
    }

    private void Settle(Session session, bool isFirst)
    {
        lock (_healthGate)
        {
            if (Interlocked.Exchange(ref _refusals, 0) > 0)
            {
                if (!_hasWarnedOfRefusal)
                {
                    _hasWarnedOfRefusal = true;
                    PostgresLog.Refuses(_logger, _lastRefusal);
                }

                SetHealthInsideLock(BrokerHealth.Refusing);
            }
            else if (_health != BrokerHealth.Up)
            {
                _hasWarnedOfDown = _hasWarnedOfRefusal = false;
                _lastUnfit = "";
                PostgresLog.IsUp(_logger, _server, session.Identity.Version, session.Identity.Line ?? "");
                SetHealthInsideLock(BrokerHealth.Up);
            }

            if (isFirst && session.Identity.UnsafeSetting is { } setting)
            {
                PostgresLog.NotCrashSafe(_logger, setting);
            }
        }
    }

    private void WentDown(string what, Exception error)
    {
        lock (_healthGate)
        {
            if (!_hasWarnedOfDown && !_stopping.IsCancellationRequested)
            {
                _hasWarnedOfDown = true; // once per outage, also if PostgreSQL is unavailable at the start
                PostgresLog.WentDown(_logger, what, LogText.OneLine(error));
            }

            SetHealthInsideLock(BrokerHealth.Degraded);
        }
    }

    private void NoteUnfit(string reason)
    {
        if (_lastUnfit != reason)
        {
            _lastUnfit = reason;
            PostgresLog.IsUnfit(_logger, reason);
        }
    }

    private void SetHealthInsideLock(BrokerHealth health)
    {
        if (_health == health)
        {
            return;
        }

        _health = health;
        try
        {
            _sink!.OnHealthChanged(health);
        }
        catch (Exception error)
        {
            PostgresLog.SinkFailed(_logger, error);
        }
    }

    // Calls that are queued fail as not sent, those under way as unknown. A server that is silent would make the next session wait for
    // the end of this one.
    private void Abandon(Session? session)
    {
        _session = null;
        if (session is not null)
        {
            _ = session.DisposeAsync().AsTask();
        }
    }

    private sealed class SessionFailedException(string what, Exception inner) : Exception(what, inner);
}
