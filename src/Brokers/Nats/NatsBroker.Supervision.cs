using Weir.Brokers.Nats.Announcing;
using Weir.Brokers.Nats.Connection;
using Weir.Brokers.Nats.Diagnostics;
using Weir.Brokers.Nats.Streams;
using Weir.Brokers.Nats.Subjects;
using Weir.Brokers.Nats.Writing;
using Weir.Diagnostics;
using Weir.Relay.Brokers;
using Weir.Timing;

namespace Weir.Brokers.Nats;

/// <summary>
/// One loop connects, restores the subscriptions, prepares the streams and probes; a lost connection is reported immediately, and wakes
/// it.
/// </summary>
public sealed partial class NatsBroker
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(1);
    private static readonly Version _leastVersion = new(2, 9, 0);

    private readonly Lock _healthGate = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly ServerClock _clock;
    private readonly ProbeSubscription _probe = new();
    private readonly HashSet<string> _reported = new(StringComparer.Ordinal); // guarded by the gate
    private volatile BrokerHealth _health = BrokerHealth.Degraded;
    private volatile Session? _session;
    private volatile Session? _last; // the one in use, or that was
    private volatile OutgoingQueue? _outgoing;
    private volatile Storage? _storage;
    private volatile bool _isRefused; // whether the storage is missing because the server said so
    private volatile string? _refusal; // why the server would not store, as its account is nearly full
    private string[] _discovered = [];
    private string? _avoided; // the server that stops, or that was used last
    private string _lastRefusal = "";
    private long _refusals;
    private long _disturbances;
    private long _probes;
    private bool _hasWarnedOfDown;
    private bool _hasWarnedOfRefusal;

    /// <inheritdoc />
    public BrokerHealth Health => _health;

    private async Task SuperviseAsync()
    {
        TimeSpan pause = _firstPause;
        while (!_stopping.IsCancellationRequested)
        {
            long before = Volatile.Read(ref _disturbances);
            if (await TryAllAsync())
            {
                if (TrySettle(before))
                {
                    pause = _firstPause;
                    bool isRefusing = _storage is null && _options.ProbeInterval > _longestPause;
                    await WaitForDisturbanceAsync(isRefusing ? _longestPause : _options.ProbeInterval);
                }
            }
            else
            {
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

    /// <summary>Makes connection and streams if they are missing, and probes; returns <c>false</c> if there is no connection.</summary>
    private async Task<bool> TryAllAsync()
    {
        Session? session = _session;
        try
        {
            session ??= await ConnectAsync();
            await session.RoundTripAsync();
        }
        catch (Exception error) when (!_stopping.IsCancellationRequested)
        {
            // Of many types; no exception may end the supervision.
            session?.End("The server does not answer.");
            NoteDisturbance("NATS cannot be reached, or does not answer.", error);
            NatsLog.TryFailed(_logger, error);
            _metrics.Note(null, false);
            return false;
        }
        catch (Exception)
        {
            return false; // the broker is being disposed
        }

        string? reason = await TryStoreAsync(session);
        if (reason is not null)
        {
            _lastRefusal = reason;
            Interlocked.Increment(ref _refusals);
        }

        _metrics.Note(session.Address, reason is null);
        return session.IsAlive;
    }

    private async Task<Session> ConnectAsync()
    {
        _last?.StopDelivering(); // all of its messages before those of the next session
        string[] servers = ServersInOrder();
        SessionSettings settings = new(
            addresses => LibraryOptions.Of(_options, addresses), Names.Replies, _options.RequestTimeout, _timeouts);
        using CancellationTokenSource giveUp = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        Task<Session> opening = Session.OpenAsync(settings, servers, _owner ??= new SessionOwner(this), giveUp.Token);
        try
        {
            // A server that is stopped accepts connections and sends nothing; the library waits for it without limit.
            using RunningTimeout timeout = new(_options.ConnectTimeout * Math.Max(2, servers.Length), _time);
            await timeout.WaitAsync(opening, _stopping.Token);
        }
        catch
        {
            await giveUp.CancelAsync();
            throw;
        }

        Session session = await opening;
        try
        {
            RequireVersion(session);
            await RestoreAsync(session);
            return session;
        }
        catch
        {
            session.End("The session could not be restored.");
            throw;
        }
    }

    private async Task RestoreAsync(Session session)
    {
        ControlSubscription control = new(
            _sink!, subject => _outgoing?.Add(new OutgoingMessage(subject, Wire.MessageType.Control, [], Confirmation: null)), _logger);
        await session.SubscribeAsync(Names.AllNodes, control);
        await session.SubscribeAsync(Names.Own, control);
        await session.SubscribeAsync(Names.ProbeAnnouncement, _probe);
        await SubscribeRoomsAsync(session);
        await session.RoundTripAsync();

        _avoided = null;
        _discovered = session.Server.ClientConnectUrls ?? [];
        _outgoing = new OutgoingQueue(session);
        _session = _last = session;
        if (!session.IsAlive)
        {
            DropUnlessAlive(session);
            throw new BrokerUnavailableException("The connection to NATS was lost.", isUnknown: false);
        }

        // Rooms that were subscribed to, or left, before there was a session that their callers could see.
        await SubscribeRoomsAsync(session);
        await session.UnsubscribeExceptAsync(
            Names.RoomOf(""), () => _rooms.Values.Select(static room => room.Subject).ToHashSet(StringComparer.Ordinal));
        await session.RoundTripAsync();
    }

    private async Task SubscribeRoomsAsync(Session session)
    {
        foreach (RoomSubscription room in _rooms.Values)
        {
            await session.AlignAsync(room.Subject, () => _rooms.GetValueOrDefault(room.Room));
        }
    }

    private void RequireVersion(Session session)
    {
        string version = session.Server.Version;
        if (!Version.TryParse(version.Split('-', '+')[0], out Version? parsed) || parsed < _leastVersion)
        {
            if (IsNew("version " + version))
            {
                NatsLog.TooOld(_logger, session.Address, version, _leastVersion.ToString());
            }

            throw new InvalidOperationException($"nats-server {version} is too old.");
        }
    }

    // Other servers first, after one that failed or stops.
    private string[] ServersInOrder()
    {
        string scheme = _options.Servers[0].StartsWith("tls://", StringComparison.Ordinal) ? "tls://" : "nats://";
        string[] all = [.. _options.Servers, .. _discovered.Select(address => scheme + address)];
        return
        [
            .. all.Distinct(StringComparer.Ordinal)
                .OrderBy(server => _avoided is { } avoided && server.EndsWith(avoided, StringComparison.Ordinal)),
        ];
    }

    /// <summary>Prepares and probes the storage; returns why it does not store, <c>null</c> if it does.</summary>
    private async Task<string?> TryStoreAsync(Session session)
    {
        try
        {
            Storage storage = _storage is { } known && known.JetStream.Session == session && await known.Streams.AreAllThereAsync()
                ? known
                : await PrepareAsync(session);
            string line = await LineReader.ReadAsync(storage.JetStream, storage.Streams, Names);
            if (line != storage.Line)
            {
                NatsLog.LineChanged(_logger);
                storage = storage with { Line = line };
            }

            if (_session == session)
            {
                _storage = storage;
                DropUnlessAlive(session);
            }

            _refusal = await AccountGuard.RefusalOfAsync(storage.JetStream);
            return _refusal ?? await ProbeAsync(storage);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return "The broker is being disposed.";
        }
        catch (Exception error)
        {
            // Of many types; no exception may end the supervision.
            _storage = null;
            // Without an answer it is not known what is stored: an announcement would overtake it.
            _isRefused = error is StreamException or BrokerUnavailableException { IsUnknown: false };
            if (error is StreamException && IsNew(error.Message))
            {
                NatsLog.StreamsUnusable(_logger, error);
            }

            NatsLog.TryFailed(_logger, error);
            return error.Message;
        }
    }

    private async Task<Storage> PrepareAsync(Session session)
    {
        JetStream jetStream = new(session);
        int replicas = _options.Replicas > 0 ? _options.Replicas : string.IsNullOrEmpty(session.Server.Cluster) ? 1 : 3;
        StreamSet streams = await StreamSet.PrepareAsync(
            jetStream, Names, new StreamLimits(replicas, _options.MaxHistory, _options.MetaTtl));
        return new Storage(jetStream, streams, await LineReader.ReadAsync(jetStream, streams, Names), _clock);
    }

    // Stored, announced and read again: along the path of a publication. Returns why it was not stored.
    private async Task<string?> ProbeAsync(Storage storage)
    {
        long number = ++_probes;
        Task arrived = _probe.Expect(number);
        long before = _clock.OwnNow;
        StoreResult result = await storage.JetStream.StoreAsync(Names.Probe, ProbeSubscription.Encode(number));
        long after = _clock.OwnNow;
        if (result.Kind != StoreResultKind.Stored)
        {
            return result.Reason;
        }

        try
        {
            using RunningTimeout timeout = new(_options.ProbeTimeout, _time);
            await timeout.WaitAsync(arrived, _stopping.Token);
        }
        catch (TimeoutException error)
        {
            storage.JetStream.Session.End("A stored probe was not announced.");
            throw new BrokerUnavailableException("A stored probe was not announced.", isUnknown: false, error);
        }

        if (await storage.JetStream.ReadAsync(storage.Streams.Probe, result.Sequence) is { } stored)
        {
            _clock.Compare(stored.StoredAt, before, after);
        }

        return null;
    }

    // Up, or refusing if there was a refusal since the last check: refusing ends after an interval without one.
    private bool TrySettle(long disturbancesBefore)
    {
        lock (_healthGate)
        {
            if (_disturbances != disturbancesBefore || _session is not { } session)
            {
                return false;
            }

            if (Interlocked.Exchange(ref _refusals, 0) > 0)
            {
                if (!_hasWarnedOfRefusal)
                {
                    _hasWarnedOfRefusal = true;
                    NatsLog.Refuses(_logger, _lastRefusal);
                }

                SetHealth(BrokerHealth.Refusing);
            }
            else if (_health != BrokerHealth.Up)
            {
                _hasWarnedOfDown = _hasWarnedOfRefusal = false;
                _reported.Clear();
                NatsLog.IsUp(_logger, session.Server.Version, session.Address);
                SetHealth(BrokerHealth.Up);
            }

            return true;
        }
    }

    private void NoteDisturbance(string what, Exception? reason)
    {
        lock (_healthGate)
        {
            _disturbances++;
            if (!_hasWarnedOfDown && !_stopping.IsCancellationRequested)
            {
                _hasWarnedOfDown = true; // once per outage, also if NATS is unavailable at the start
                NatsLog.WentDown(_logger, what, LogText.OneLine(reason));
            }

            SetHealth(BrokerHealth.Degraded);
        }
    }

    private void SetHealth(BrokerHealth health)
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
            NatsLog.SinkFailed(_logger, error);
        }
    }

    private bool IsNew(string report)
    {
        lock (_healthGate)
        {
            return _reported.Add(report);
        }
    }

    private void Wake()
    {
        if (_wake.CurrentCount == 0)
        {
            _wake.Release();
        }
    }

    // Requests see that there is no connection before those in flight fail.
    private void DropUnlessAlive(Session session)
    {
        if (!session.IsAlive && _session == session)
        {
            _session = null;
            _outgoing = null;
            _storage = null;
        }
    }

    private SessionOwner? _owner;

    private sealed class SessionOwner(NatsBroker broker) : ISessionOwner
    {
        public void OnSessionEnded(Session session, string reason)
        {
            if (broker._session != session)
            {
                return; // it was never in use, or is not any more
            }

            broker._avoided = session.Address;
            broker._metrics.OnDisconnected();
            broker.DropUnlessAlive(session);
            broker.NoteDisturbance(reason, null);
            broker.Wake();
        }

        public void OnServerError(Session session, string error)
        {
            if (broker.IsNew(error))
            {
                NatsLog.ServerError(broker._logger, error);
            }
        }

        public void OnLameDuck(Session session)
        {
            if (broker._session != session || !HasOther(session))
            {
                return; // a server that stops serves longer than one that has stopped
            }

            NatsLog.Moves(broker._logger, session.Address);
            broker._avoided = session.Address;
            broker._session = null;
            broker._outgoing = null;
            broker._storage = null;
            broker.NoteDisturbance("The server is about to stop.", null);
            broker.Wake();
            _ = session.FinishAsync();
        }

        private bool HasOther(Session session)
        {
            string own = session.Address;
            return broker._options.Servers.Concat(broker._discovered).Any(server => !server.EndsWith(own, StringComparison.Ordinal));
        }
    }

    private sealed class Context(NatsBroker broker) : IWriterContext
    {
        public Storage? Storage => broker._storage;

        public string? Refusal => broker._refusal;

        public bool CanAnnounce => broker._outgoing is not null && broker._isRefused;

        public int MaxPayload => broker._session?.Server.MaxPayload ?? 1 << 20;

        public void OnConflict() => broker._metrics.OnConflict();

        public void OnRefused(string reason)
        {
            broker._lastRefusal = reason;
            Interlocked.Increment(ref broker._refusals);
            if (broker._health == BrokerHealth.Up)
            {
                broker.Wake();
            }
        }

        public void OnUnreadable(string subject, Exception error) => NatsLog.MessageUnreadable(broker._logger, error, subject);
    }
}
