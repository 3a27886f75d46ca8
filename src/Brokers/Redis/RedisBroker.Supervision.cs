using System.Net;
using System.Runtime.ExceptionServices;
using StackExchange.Redis;
using Weir.Brokers.Redis.Diagnostics;
using Weir.Brokers.Redis.Links;
using Weir.Brokers.Redis.Wire;
using Weir.Relay.Brokers;
using Weir.Timing;

namespace Weir.Brokers.Redis;

/// <summary>
/// One loop makes the connections, restores the subscriptions and probes each master; any failure meanwhile is reported
/// immediately, and wakes it.
/// </summary>
public sealed partial class RedisBroker
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(1);

    /// <summary>After this many probes in a row without any reply the command connection is made anew.</summary>
    private const int SilencesBeforeNewSession = 2;

    private readonly Lock _healthGate = new();
    private readonly SemaphoreSlim _wake = new(0);
    private volatile BrokerHealth _health = BrokerHealth.Degraded;
    private readonly HashSet<EndPoint> _proven = []; // masters that wrote and announced the last probe
    private LinkMap _masters = LinkMap.OfNone;
    private long _refusals; // requests that Redis answered with an error
    private string _lastRefusal = "";
    private bool _hasWarnedOfDown;
    private bool _hasWarnedOfRefusal;
    private long _lastAnswer; // Environment.TickCount64, which costs less than the provider's
    private long _disturbances;
    private long _probes;
    private int _silences;
    private bool _hasRefusedDatabase;

    /// <inheritdoc />
    public BrokerHealth Health => _health;

    void IAnnouncementTarget.OnDisturbed(string what, Exception? reason) => OnDisturbed(what, reason);

    private void OnDisturbed(string what, Exception? reason)
    {
        NoteDisturbance(what, reason);
        _wake.Release();
    }

    private void NoteDisturbance(string what, Exception? reason)
    {
        lock (_healthGate)
        {
            _disturbances++;
            if (!_hasWarnedOfDown && !_stopping.IsCancellationRequested)
            {
                _hasWarnedOfDown = true; // once per outage, also if Redis is unavailable at the start
                RedisLog.WentDown(_logger, what, RedisFailure.Describe(reason));
            }

            if (_health != BrokerHealth.Degraded)
            {
                SetHealth(BrokerHealth.Degraded);
            }
        }
    }

    // An error reply of Redis to any request triggers a probe immediately.
    private void OnRequestFailed(Exception error)
    {
        if (error is not RedisServerException)
        {
            return;
        }

        _lastRefusal = error.Message;
        Interlocked.Increment(ref _refusals);
        if (_health == BrokerHealth.Up && _wake.CurrentCount == 0)
        {
            _wake.Release();
        }
    }

    private async Task SuperviseAsync()
    {
        TimeSpan pause = _firstPause;
        while (!_stopping.IsCancellationRequested)
        {
            long before = Volatile.Read(ref _disturbances);
            bool isWell = await TryAllAsync();
            if (isWell && TrySettle(before))
            {
                pause = _firstPause;
                await WaitForDisturbanceAsync(_options.ProbeInterval);
            }
            else if (!isWell)
            {
                // In any case: a call that fails immediately would be repeated without a pause.
                await Task.Delay(pause, _time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = TimeSpan.FromTicks(Math.Min(2 * pause.Ticks, _longestPause.Ticks));
            }
        }
    }

    private async Task WaitForDisturbanceAsync(TimeSpan time)
    {
        using CancellationTokenSource limit = new(time, _time);
        using CancellationTokenSource linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stopping.Token);
        try
        {
            await _wake.WaitAsync(linked.Token);
            while (_wake.Wait(0, CancellationToken.None))
            {
                // One check covers all disturbances so far.
            }
        }
        catch (OperationCanceledException)
        {
            // The interval has passed, or the broker is being disposed.
        }
    }

    // Up, or refusing if there was an error since the last check: refusing ends after an interval without one.
    private bool TrySettle(long disturbancesBefore)
    {
        lock (_healthGate)
        {
            if (_disturbances != disturbancesBefore)
            {
                return false;
            }

            if (Interlocked.Exchange(ref _refusals, 0) > 0)
            {
                if (!_hasWarnedOfRefusal)
                {
                    _hasWarnedOfRefusal = true;
                    RedisLog.Refuses(_logger, _lastRefusal);
                }

                if (_health != BrokerHealth.Refusing)
                {
                    SetHealth(BrokerHealth.Refusing);
                }
            }
            else if (_health != BrokerHealth.Up)
            {
                _hasWarnedOfDown = _hasWarnedOfRefusal = false;
                RedisLog.IsUp(_logger);
                SetHealth(BrokerHealth.Up);
            }

            return true;
        }
    }

    private void SetHealth(BrokerHealth health)
    {
        _health = health;
        try
        {
            _sink!.OnHealthChanged(health);
        }
        catch (Exception error)
        {
            RedisLog.SinkFailed(_logger, error);
        }
    }

    /// <summary>Makes missing connections and subscriptions, and probes; returns <c>false</c> if any of it failed.</summary>
    private async Task<bool> TryAllAsync()
    {
        _proven.Clear();
        try
        {
            CommandConnection session = _session ??= await OpenSessionAsync();
            LinkMap map = _masters = await session.ReadMapAsync(() => new RunningTimeout(_options.RequestTimeout, _time), _stopping.Token);
            if (await AlignAsync(session, map) is { } misaligned)
            {
                // One unreachable master does not prevent probing and serving the others.
                if (ReferenceEquals(session, _session) && _subscriptions.Links.Count > 0)
                {
                    await ProbeAsync(session);
                }

                ExceptionDispatchInfo.Throw(misaligned);
            }

            await ProbeAsync(session);
            return map.Uncovered == 0
                ? true
                : throw new LinkRefusedException($"{map.Uncovered} of the Cluster's {LinkMap.Slots} slots have no master.");
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception error)
        {
            // Of many types; no exception may end the supervision.
            NoteDisturbance($"{_servers} did not reply as expected.", error);
            RedisLog.TryFailed(_logger, error);
            return false;
        }
        finally
        {
            _metrics.Note(_masters.Servers.ToDictionary(static server => server, _proven.Contains));
        }
    }

    // Returns the failure; null if all is aligned.
    private async Task<Exception?> AlignAsync(CommandConnection session, LinkMap map)
    {
        try
        {
            await _subscriptions.AlignAsync(new Addressing(session.SlotOf, session.IsCluster, _prefixes.Channels, _sink!.NodeId, map),
                _stopping.Token);
            return null;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // The links alone may hang, or all of Redis, and then publishers must not wait for it one by one.
            await CheckCommandsAsync(session);
            return error;
        }
    }

    private async Task CheckCommandsAsync(CommandConnection session)
    {
        try
        {
            using RunningTimeout timeout = new(_options.ProbeTimeout, _time);
            await timeout.WaitAsync(session.Database.PingAsync(), _stopping.Token);
        }
        catch (RedisServerException error)
        {
            RedisLog.TryFailed(_logger, error); // a reply all the same
        }
        catch (TimeoutException)
        {
            await OnSilenceAsync(session);
        }
    }

    private async Task<CommandConnection> OpenSessionAsync()
    {
        Task<CommandConnection> opening = CommandConnection.OpenAsync(_configuration, _prefixes, OnConnectionFailed);
        try
        {
            return await UnlessInAnotherDatabaseAsync(await opening.WaitAsync(_stopping.Token));
        }
        catch (OperationCanceledException)
        {
            // The library has no way to stop connecting; disposal does not wait for it.
            _ = opening.ContinueWith(static late => late.Result.DisposeAsync().AsTask(), TaskContinuationOptions.OnlyOnRanToCompletion);
            throw;
        }
    }

    // Only a connection shows that Redis is a Cluster. It would refuse each command, and its channels carry the number.
    private async Task<CommandConnection> UnlessInAnotherDatabaseAsync(CommandConnection session)
    {
        if (session.IsCluster && _configuration.DefaultDatabase is > 0 and int database)
        {
            await session.DisposeAsync();
            if (!_hasRefusedDatabase)
            {
                _hasRefusedDatabase = true;
                RedisLog.DatabaseRefused(_logger, database);
            }

            throw new InvalidOperationException("A Redis Cluster has only database 0.");
        }

        return session;
    }

    private void OnConnectionFailed(ConnectionFailedEventArgs failed)
    {
        // Replicas and former masters are not in use.
        if (failed.ConnectionType == ConnectionType.Interactive
            && _subscriptions.Links.Any(probed => probed.Link.EndPoint.Equals(failed.EndPoint)))
        {
            OnDisturbed($"The connection for commands to {failed.EndPoint} failed: {failed.FailureType}.", failed.Exception);
        }
    }

    /// <summary>
    /// Sends a probe to every master along the path of a publication, and verifies that it is written and returns along the path of
    /// an announcement.
    /// </summary>
    private async Task ProbeAsync(CommandConnection session)
    {
        List<Task<bool>> published = [];
        List<(ProbedLink Probed, Task Arrived)> arrivals = [];
        foreach (ProbedLink probed in _subscriptions.Links)
        {
            if (probed.Channel is { } channel)
            {
                long number = ++_probes;
                arrivals.Add((probed, Task.WhenAll(probed.Expect(number), CheckRoleAsync(probed.Link))));
                published.Add(PublishProbeAsync(session, channel, number));
            }
        }

        long answered = _lastAnswer;
        try
        {
            using RunningTimeout timeout = new(_options.ProbeTimeout, _time, HasProgressed);
            await timeout.WaitAsync(
                Task.WhenAll(published.Concat<Task>(arrivals.Select(static arrival => arrival.Arrived))), _stopping.Token);
            _silences = 0;
            _isRefusing = false;
        }
        catch (TimeoutException)
        {
            foreach ((ProbedLink probed, Task arrived) in arrivals)
            {
                if (!arrived.IsCompletedSuccessfully)
                {
                    probed.Link.Dispose();
                }
            }

            if (!published.TrueForAll(static sent => sent.IsCompletedSuccessfully))
            {
                await OnSilenceAsync(session);
            }

            throw;
        }
        finally
        {
            for (int i = 0; i < arrivals.Count; i++)
            {
                if (arrivals[i].Arrived.IsCompletedSuccessfully && published[i] is { IsCompletedSuccessfully: true, Result: true })
                {
                    _proven.Add(arrivals[i].Probed.Link.EndPoint);
                }
            }
        }

        // Data received meanwhile shows that both directions work and that the probe is behind it, in our queue or on the wire.
        bool HasProgressed()
        {
            bool has = Interlocked.Exchange(ref answered, _lastAnswer) != _lastAnswer
                || published.TrueForAll(static sent => sent.IsCompletedSuccessfully);
            foreach ((ProbedLink probed, Task arrived) in arrivals)
            {
                has &= probed.HasReceived() || arrived.IsCompletedSuccessfully;
            }

            return has;
        }
    }

    // Returns false if it was announced but not written.
    private async Task<bool> PublishProbeAsync(CommandConnection session, string channel, long number)
    {
        try
        {
            await session.Database.ScriptEvaluateAsync(
                session.Scripts.Probe, [(RedisKey)(channel + ":written")], [channel, Announcement.OfProbe(number)]);
            return true;
        }
        catch (RedisServerException error) when (RedisFailure.IsRefusalToStore(error))
        {
            OnRequestFailed(error);
            return false;
        }
    }

    private static async Task CheckRoleAsync(SubscriberLink link)
    {
        string role = await link.ReadRoleAsync();
        if (role != "master")
        {
            // A replica announces what its master replicates to it, but no message that is published to it.
            link.Dispose();
            throw new LinkRefusedException($"{link.EndPoint} is no master now.");
        }
    }

    /// <summary>No command is answered: refuses further ones, and eventually makes another connection.</summary>
    private async Task OnSilenceAsync(CommandConnection session)
    {
        _isRefusing = true;
        if (++_silences >= SilencesBeforeNewSession)
        {
            _silences = 0;
            _session = null;
            await session.DisposeAsync();
        }
    }
}
