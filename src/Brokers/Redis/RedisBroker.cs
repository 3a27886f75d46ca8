using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;
using Weir.Brokers.Redis.Diagnostics;
using Weir.Brokers.Redis.Links;
using Weir.Brokers.Redis.Transport;
using Weir.Diagnostics;
using Weir.Relay.Brokers;
using Weir.Timing;

namespace Weir.Brokers.Redis;

/// <summary>
/// Rooms across nodes through Redis 7 or newer: stand-alone, behind Sentinels, or a Cluster. Thread-safe.
/// </summary>
/// <remarks>
/// <para>A publication to a room with history is one Lua script: its offset, its entry in the room's stream and its
/// announcement are one step. In other rooms it is a PUBLISH. In a Cluster the announcements are sharded, and all keys and the
/// channel of a room lie in one slot.</para>
/// <para>No request is repeated automatically: one without a reply fails, and reports that it may have been executed. While
/// Redis is unavailable requests fail immediately.</para>
/// <para>Commands go through StackExchange.Redis; announcements arrive through a connection of Weir's own to each master, see
/// <see cref="SubscriberLink"/> and docs/operations/redis.md.</para>
/// </remarks>
public sealed partial class RedisBroker : IBroker, IAnnouncementTarget
{
    private readonly RedisOptions _options;
    private readonly ConfigurationOptions _configuration;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly Subscriptions _subscriptions;
    private readonly CancellationTokenSource _stopping = new();
    private readonly PendingRequests _requests;
    private readonly RedisMetrics _metrics;
    private readonly NamePrefixes _prefixes;
    private readonly string _everyonesChannel;
    private readonly string _servers; // for the log
    private IBrokerSink? _sink;
    private string _ownChannel = "";
    private Task _supervision = Task.CompletedTask;
    private volatile CommandConnection? _session;
    private volatile bool _isRefusing;
    private int _pending;

    /// <summary>Creates a broker that connects once it is started.</summary>
    /// <param name="options">Read now; later changes have no effect.</param>
    /// <param name="loggers"><c>null</c>: no log.</param>
    /// <param name="time"><c>null</c>: the system's.</param>
    /// <param name="meters"><c>null</c>: a meter of its own.</param>
    /// <exception cref="ArgumentException">An option is wrong, or the configuration cannot be parsed.</exception>
    public RedisBroker(RedisOptions options, ILoggerFactory? loggers = null, TimeProvider? time = null, IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _configuration = options.Parse();
        _options = options;
        _time = time ?? TimeProvider.System;
        _logger = (loggers ?? NullLoggerFactory.Instance).CreateLimitedLogger(RedisLog.Category, _time);
        _servers = string.Join(", ", _configuration.EndPoints);
        _configuration.AbortOnConnectFail = true;
        _configuration.ConnectRetry = 1; // the supervision retries itself
        // Requests have a timeout of this broker (PendingRequests). The library's is by the clock, also through a pause of the
        // process, and fails requests whose replies wait in the socket; after four times as long it drops the connection.
        _configuration.AsyncTimeout = (int)TimeSpan.FromDays(1).TotalMilliseconds;
        _configuration.ConnectTimeout = (int)options.ConnectTimeout.TotalMilliseconds;
        // No command waits for a missing connection, and commands sent on one that broke are not sent again.
        _configuration.BacklogPolicy = BacklogPolicy.FailFast;
        _configuration.RetryPolicy = null;
        _configuration.ReconnectRetryPolicy = new LinearRetry(200);
        // The library counts reading the slots of a Cluster as administration.
        _configuration.AllowAdmin = true;
        _configuration.Tunnel = new GatheringTunnel();
        _configuration.ClientName ??= "weir";
        _subscriptions = new Subscriptions(this, new LinkSettings(_configuration, options.ConnectTimeout), _time);
        _requests = new PendingRequests(options.RequestTimeout, _time, Leave);
        _metrics = new RedisMetrics(meters);
        _prefixes = NamePrefixes.Of(options.KeyPrefix, _configuration.DefaultDatabase ?? 0);
        _everyonesChannel = $"{_prefixes.Channels}{{control}}";
    }

    /// <inheritdoc />
    public bool IsSingleNode => false;

    /// <inheritdoc />
    public Task StartAsync(IBrokerSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sink);
        if (_sink is not null)
        {
            throw new InvalidOperationException("The broker has been started already.");
        }

        _sink = sink;
        _ownChannel = $"{_everyonesChannel}:{sink.NodeId}";
        _ = _subscriptions.Subscribe(_everyonesChannel, null);
        _ = _subscriptions.Subscribe(_ownChannel, null);
        _supervision = Task.Run(SuperviseAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async ValueTask SubscribeAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        string channel = RoomKeys.NameOf(_prefixes.Channels, room);
        Task confirmation = _subscriptions.Subscribe(channel, room)
            ?? throw new BrokerUnavailableException(
                "Redis is unavailable; the room will be subscribed to when Redis is available again.", isUnknown: false);
        await UnlessDownAsync(confirmation, cancellationToken);
    }

    /// <inheritdoc />
    public async ValueTask UnsubscribeAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        try
        {
            Task confirmation = _subscriptions.Unsubscribe(RoomKeys.NameOf(_prefixes.Channels, room));
            using RunningTimeout timeout = new(_options.RequestTimeout, _time);
            await timeout.WaitAsync(confirmation, cancellationToken);
        }
        catch (Exception error) when (error is LinkRefusedException or TimeoutException)
        {
            // A link that is down has no subscriptions, and messages for a room without a subscription are ignored.
            RedisLog.UnsubscribeUnanswered(_logger, error, room);
        }
    }

    /// <summary>Ends all connections; requests that are not answered within <see cref="RedisOptions.RequestTimeout"/> fail.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _supervision;
        _subscriptions.Dispose();
        if (_session is { } session)
        {
            _session = null;
            using RunningTimeout timeout = new(_options.RequestTimeout, _time);
            await session.FinishAsync(timeout);
        }

        _requests.Dispose();
    }

    private async Task UnlessDownAsync(Task confirmation, CancellationToken cancellationToken)
    {
        try
        {
            using RunningTimeout timeout = new(_options.RequestTimeout, _time);
            await timeout.WaitAsync(confirmation, cancellationToken);
        }
        catch (Exception error) when (error is LinkRefusedException or TimeoutException)
        {
            throw new BrokerUnavailableException("Redis has not confirmed the subscription.", isUnknown: true, error);
        }
    }

    /// <summary>Whether commands went unanswered for so long that none is sent until one is answered.</summary>
    internal bool IsRefusing => _isRefusing;

    /// <summary>Counts a request in flight; <see cref="Leave"/> ends it.</summary>
    private CommandConnection Enter()
    {
        CommandConnection? session = _session;
        if (session is null || _isRefusing)
        {
            throw new BrokerUnavailableException("Redis is unavailable.", isUnknown: false);
        }

        if (Interlocked.Increment(ref _pending) > _options.MaxPending)
        {
            Leave();
            throw new BrokerUnavailableException($"{_options.MaxPending} requests are in flight to Redis already.", isUnknown: false);
        }

        return session;
    }

    private void Leave() => Interlocked.Decrement(ref _pending);
}
