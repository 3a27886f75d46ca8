using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;
using Weir.Redis.Diagnostics;
using Weir.Redis.Links;
using Weir.Redis.Transport;
using Weir.Relay;

namespace Weir.Redis;

/// <summary>
/// Rooms across nodes by way of Redis 7 or newer: stand-alone, behind Sentinels, or a Cluster. Thread-safe.
/// </summary>
/// <remarks>
/// <para>A publication to a room with history is one Lua script: its number, its entry in the room's stream and its
/// announcement are one step. In other rooms it is a PUBLISH. In a Cluster the announcements are sharded, and all of a room
/// lies in one slot.</para>
/// <para>Nothing is sent twice by itself: a request that got no answer fails, and says that it may have been done. While
/// Redis is away requests fail at once.</para>
/// <para>Commands go through StackExchange.Redis; announcements come through a connection of our own to each master, which
/// <see cref="SubscriberLink"/> explains. See docs/redis.md.</para>
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
    private IBrokerSink? _sink;
    private string _ownChannel = "";
    private Task _supervision = Task.CompletedTask;
    private volatile Session? _session;
    private volatile bool _isRefusing;
    private int _pending;

    /// <summary>Makes a broker that connects once it is started.</summary>
    /// <param name="options">Read now; later changes have no effect.</param>
    /// <param name="loggers">Null: nothing is logged.</param>
    /// <param name="time">Null: the system's.</param>
    /// <param name="meters">Null: a meter of its own.</param>
    /// <exception cref="ArgumentException">An option is wrong, or the configuration cannot be read.</exception>
    public RedisBroker(RedisOptions options, ILoggerFactory? loggers = null, TimeProvider? time = null, IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _configuration = options.Parse();
        _options = options;
        _logger = loggers?.CreateLogger(RedisLog.Category) ?? NullLogger.Instance;
        _time = time ?? TimeProvider.System;
        _configuration.AbortOnConnectFail = true;
        _configuration.ConnectRetry = 1; // the supervision tries again by itself
        // Requests have a time-out of this broker (PendingRequests). The library's goes by the clock, also through a pause of the
        // process, and fails requests whose answers wait in the socket; after four times as long it drops the connection.
        _configuration.AsyncTimeout = (int)TimeSpan.FromDays(1).TotalMilliseconds;
        _configuration.ConnectTimeout = (int)options.ConnectTimeout.TotalMilliseconds;
        // Nothing waits for a connection that is not there, and what was sent on one that broke is not sent again.
        _configuration.BacklogPolicy = BacklogPolicy.FailFast;
        _configuration.RetryPolicy = null;
        _configuration.ReconnectRetryPolicy = new LinearRetry(200);
        // Asking a Cluster who has which slots counts as administration with the library.
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
        _ = _subscriptions.Want(_everyonesChannel, null);
        _ = _subscriptions.Want(_ownChannel, null);
        _supervision = Task.Run(SuperviseAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async ValueTask SubscribeAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        string channel = RoomKeys.NameOf(_prefixes.Channels, room);
        Task confirmation = _subscriptions.Want(channel, room)
            ?? throw new BrokerUnavailableException("Redis is away; the room will be subscribed to when it is back.", isUnknown: false);
        await UnlessDownAsync(confirmation, cancellationToken);
    }

    /// <inheritdoc />
    public async ValueTask UnsubscribeAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        try
        {
            Task confirmation = _subscriptions.Unwant(RoomKeys.NameOf(_prefixes.Channels, room));
            await new RunningTime(_options.RequestTimeout, _time).WaitAsync(confirmation, cancellationToken);
        }
        catch (Exception error) when (error is LinkRefusedException or TimeoutException)
        {
            // A link that is down has no subscriptions, and what comes for a room that is not wanted is passed over.
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
            await session.FinishAsync(new RunningTime(_options.RequestTimeout, _time));
        }

        _requests.Dispose();
    }

    private async Task UnlessDownAsync(Task confirmation, CancellationToken cancellationToken)
    {
        try
        {
            await new RunningTime(_options.RequestTimeout, _time).WaitAsync(confirmation, cancellationToken);
        }
        catch (Exception error) when (error is LinkRefusedException or TimeoutException)
        {
            throw new BrokerUnavailableException("Redis has not confirmed the subscription.", isUnknown: true, error);
        }
    }

    /// <summary>Whether commands went unanswered for so long that none is sent any more until one is answered.</summary>
    internal bool IsRefusing => _isRefusing;

    /// <summary>Takes a place among the requests under way; to be given back by <see cref="Leave"/>.</summary>
    private Session Enter()
    {
        Session? session = _session;
        if (session is null || _isRefusing)
        {
            throw new BrokerUnavailableException("Redis is away.", isUnknown: false);
        }

        if (Interlocked.Increment(ref _pending) > _options.MaxPending)
        {
            Leave();
            throw new BrokerUnavailableException($"{_options.MaxPending} requests wait for Redis already.", isUnknown: false);
        }

        return session;
    }

    private void Leave() => Interlocked.Decrement(ref _pending);
}
