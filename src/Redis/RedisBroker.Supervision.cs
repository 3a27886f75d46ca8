using System.Net;
using System.Runtime.ExceptionServices;
using StackExchange.Redis;
using Weir.Redis.Diagnostics;
using Weir.Redis.Links;
using Weir.Redis.Wire;
using Weir.Relay;

namespace Weir.Redis;

/// <summary>
/// One loop makes the connections, brings the subscriptions back and tries the whole way; whatever goes wrong meanwhile says
/// so at once, and wakes it.
/// </summary>
public sealed partial class RedisBroker
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(1);

    /// <summary>After so many tries in a row without any answer the connection for commands is made anew.</summary>
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
                _hasWarnedOfDown = true; // once for each outage, also for one that Redis's absence at the start is
                RedisLog.WentDown(_logger, reason, what);
            }

            if (_health != BrokerHealth.Degraded)
            {
                Tell(BrokerHealth.Degraded);
            }
        }
    }

    // An error that Redis answers, to whatever request, is looked at by a probe at once.
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
                // Whatever else happens meanwhile: what fails at once would be tried without a pause.
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
                // One look is enough for all that has happened.
            }
        }
        catch (OperationCanceledException)
        {
            // The time is over, or all is.
        }
    }

    // Up, or refusing as long as there was an error since the last look: its end is seen when an interval has passed without.
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
                    Tell(BrokerHealth.Refusing);
                }
            }
            else if (_health != BrokerHealth.Up)
            {
                _hasWarnedOfDown = _hasWarnedOfRefusal = false;
                RedisLog.IsUp(_logger);
                Tell(BrokerHealth.Up);
            }

            return true;
        }
    }

    private void Tell(BrokerHealth health)
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

    /// <summary>Makes what is missing, and tries the way; false where something is not as it should be.</summary>
    private async Task<bool> TryAllAsync()
    {
        _proven.Clear();
        try
        {
            Session session = _session ??= await OpenSessionAsync();
            LinkMap map = _masters = await session.ReadMapAsync(() => new RunningTime(_options.RequestTimeout, _time), _stopping.Token);
            if (await AlignAsync(session, map) is { } misaligned)
            {
                // One master that cannot be reached does not keep the others from being tried, and served.
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
            // Of many kinds, and none of them may end the looking.
            NoteDisturbance("Redis did not answer as it should.", error);
            RedisLog.TryFailed(_logger, error);
            return false;
        }
        finally
        {
            _metrics.Note(_masters.Servers.ToDictionary(static server => server, _proven.Contains));
        }
    }

    // What could not be done; null: all is aligned.
    private async Task<Exception?> AlignAsync(Session session, LinkMap map)
    {
        try
        {
            await _subscriptions.AlignAsync(new Addressing(session, _prefixes.Channels, _sink!.NodeId, map), _stopping.Token);
            return null;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // It may be the links alone, or all of Redis that hangs, and then publishers must not wait for it one by one.
            await CheckCommandsAsync(session);
            return error;
        }
    }

    private async Task CheckCommandsAsync(Session session)
    {
        try
        {
            await new RunningTime(_options.ProbeTimeout, _time).WaitAsync(session.Database.PingAsync(), _stopping.Token);
        }
        catch (RedisServerException error)
        {
            RedisLog.TryFailed(_logger, error); // an answer
        }
        catch (TimeoutException)
        {
            await OnSilenceAsync(session);
        }
    }

    private async Task<Session> OpenSessionAsync()
    {
        Task<Session> opening = Session.OpenAsync(_configuration, _prefixes, OnConnectionFailed);
        try
        {
            return await UnlessInAnotherDatabaseAsync(await opening.WaitAsync(_stopping.Token));
        }
        catch (OperationCanceledException)
        {
            // The library cannot be told to stop connecting; whoever ends the broker need not wait for it.
            _ = opening.ContinueWith(static late => late.Result.DisposeAsync().AsTask(), TaskContinuationOptions.OnlyOnRanToCompletion);
            throw;
        }
    }

    // Before a connection it is not known that Redis is a Cluster. It would refuse each command, and its channels carry the number.
    private async Task<Session> UnlessInAnotherDatabaseAsync(Session session)
    {
        if (session.IsCluster && _configuration.DefaultDatabase is > 0 and int database)
        {
            await session.DisposeAsync();
            if (!_hasRefusedDatabase)
            {
                _hasRefusedDatabase = true;
                RedisLog.DatabaseRefused(_logger, database);
            }

            throw new InvalidOperationException("A Redis Cluster has no database but 0.");
        }

        return session;
    }

    private void OnConnectionFailed(ConnectionFailedEventArgs failed)
    {
        // Of a replica, or a master that is none any more, nobody expects anything.
        if (failed.ConnectionType == ConnectionType.Interactive
            && _subscriptions.Links.Any(probed => probed.Link.EndPoint.Equals(failed.EndPoint)))
        {
            OnDisturbed($"The connection for commands to {failed.EndPoint} failed: {failed.FailureType}.", failed.Exception);
        }
    }

    /// <summary>
    /// Sends a probe on the way of a publication, to every master, and sees it written, and come back on the way of an
    /// announcement.
    /// </summary>
    private async Task ProbeAsync(Session session)
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
            await new RunningTime(_options.ProbeTimeout, _time).WaitAsync(
                Task.WhenAll(published.Concat<Task>(arrivals.Select(static arrival => arrival.Arrived))), HasProgressed, _stopping.Token);
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

        // What has come meanwhile shows that both ways work and that the probe is behind it, in a queue of ours or on the wire.
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

    // False where it was announced but not written.
    private async Task<bool> PublishProbeAsync(Session session, string channel, long number)
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
            // A replica announces what its master tells it, but nothing that is published to it.
            link.Dispose();
            throw new LinkRefusedException($"{link.EndPoint} is no master now.");
        }
    }

    /// <summary>Commands are not answered: let nobody wait for what does not answer, and in the end try another connection.</summary>
    private async Task OnSilenceAsync(Session session)
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
