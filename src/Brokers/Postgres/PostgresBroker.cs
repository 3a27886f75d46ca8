using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Weir.Brokers.Postgres.Announcing;
using Weir.Brokers.Postgres.Calls;
using Weir.Brokers.Postgres.Diagnostics;
using Weir.Brokers.Postgres.Lanes;
using Weir.Brokers.Postgres.Sessions;
using Weir.Diagnostics;
using Weir.Relay.Brokers;
using Weir.Timing;

namespace Weir.Brokers.Postgres;

/// <summary>
/// Rooms across nodes through PostgreSQL 15 or newer, whose database <see cref="PostgresMigration"/> has prepared. Thread-safe.
/// </summary>
/// <remarks>
/// <para>Requests go in batches: what arrives while one batch is under way is the next one. A batch of publications with history is one
/// transaction, which numbers, stores and announces them; a lock that it holds to its end makes the numbers dense, in the order of the
/// commits. Applications publish in transactions of their own by <c>weir.publish</c>, without that lock.</para>
/// <para>No request is repeated automatically: one without a reply fails, and reports that it may have been executed. While PostgreSQL is
/// unavailable requests fail immediately. See docs/operations/postgres.md.</para>
/// </remarks>
public sealed partial class PostgresBroker : IBroker, ICallOwner
{
    private readonly PostgresOptions _options;
    private readonly NpgsqlDataSource _source;
    private readonly string _server;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly PostgresMetrics _metrics;
    private readonly Subscriptions _subscriptions = new();
    private readonly HistoryTrim _trim = new();
    private readonly RunningTimeouts _timeouts;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IBrokerSink? _sink;
    private AnnouncementOrder? _order;
    private Task _supervision = Task.CompletedTask;
    private volatile Session? _session;
    private volatile bool _isDisposing;
    private int _pending;

    /// <summary>Creates a broker that connects once it is started.</summary>
    /// <param name="options">Read now; later changes have no effect.</param>
    /// <param name="loggers"><c>null</c>: no log.</param>
    /// <param name="time"><c>null</c>: the system's.</param>
    /// <param name="meters"><c>null</c>: a meter of its own.</param>
    /// <exception cref="ArgumentException">An option is wrong, or the connection string cannot be parsed.</exception>
    public PostgresBroker(PostgresOptions options, ILoggerFactory? loggers = null, TimeProvider? time = null, IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        NpgsqlConnectionStringBuilder builder = options.Parse();
        _options = options;
        _server = ServerAddress.Describe(builder);
        _source = CreateSource(builder, options);
        _time = time ?? TimeProvider.System;
        _logger = (loggers ?? NullLoggerFactory.Instance).CreateLimitedLogger(PostgresLog.Category, _time);
        _metrics = new PostgresMetrics(meters);
        _timeouts = new RunningTimeouts(options.RequestTimeout, _time);
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
        _order = new AnnouncementOrder(new AnnouncementTarget(sink, _subscriptions, _logger));
        _supervision = Task.Run(SuperviseAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public ValueTask SubscribeAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        _subscriptions.Add(room); // each node reads all announcements, so that this is all
        return _health == BrokerHealth.Degraded
            ? ValueTask.FromException(new BrokerUnavailableException(
                "PostgreSQL is unavailable; the announcements of the room begin when it is available again.", isUnknown: false))
            : ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public ValueTask UnsubscribeAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        _subscriptions.Remove(room);
        return ValueTask.CompletedTask;
    }

    /// <summary>Ends all connections; requests that are not answered within <see cref="PostgresOptions.RequestTimeout"/> fail.</summary>
    public async ValueTask DisposeAsync()
    {
        _isDisposing = true;
        if (Volatile.Read(ref _pending) > 0)
        {
            using RunningTimeout timeout = new(_options.RequestTimeout, _time);
            await Task.WhenAny(_idle.Task, WhenElapsedAsync(timeout)).ConfigureAwait(false);
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        await _supervision.ConfigureAwait(false);
        _timeouts.Dispose();
        await _source.DisposeAsync().ConfigureAwait(false);
    }

    void ICallOwner.OnComplete(Call call)
    {
        _timeouts.TryRemove(call);
        Leave();
    }

    private static async Task WhenElapsedAsync(RunningTimeout timeout)
        => await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, timeout.Token)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private static NpgsqlDataSource CreateSource(NpgsqlConnectionStringBuilder builder, PostgresOptions options)
    {
        bool hasSeveral = builder.Host!.Contains(',', StringComparison.Ordinal);
        builder.Pooling = false; // a pool forgets what a session listens to
        builder.ApplicationName ??= "weir";
        builder.Timeout = Math.Max(1, (int)Math.Ceiling(options.ConnectTimeout.TotalSeconds));
        builder.CommandTimeout = 0; // the timeouts of this broker do not count time in which it was stopped
        builder.CancellationTimeout = -1; // a connection whose command is cancelled is given up
        builder.HostRecheckSeconds = 0; // a standby may be the primary now
        builder.Enlist = false;
        builder.IncludeErrorDetail = false; // it may repeat a message
        NpgsqlDataSourceBuilder sources = new(builder.ConnectionString);
        return hasSeveral ? sources.BuildMultiHost().WithTargetSession(TargetSessionAttributes.Primary) : sources.Build();
    }

    private Session Enter(Call call)
    {
        Session? session = _session;
        if (session is null || _isDisposing)
        {
            throw PostgresFailure.Unavailable();
        }

        CountPending();
        call.Owner = this;
        _timeouts.Add(call);
        return session;
    }

    private void CountPending()
    {
        if (Interlocked.Increment(ref _pending) > _options.MaxPending)
        {
            Leave();
            throw new BrokerUnavailableException($"{_options.MaxPending} requests are in flight to PostgreSQL already.", isUnknown: false);
        }
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _pending) == 0 && _isDisposing)
        {
            _idle.TrySetResult();
        }
    }
}
