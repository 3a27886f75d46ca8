using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using NATS.Client.Core;
using Weir.Brokers.Nats.Announcing;
using Weir.Brokers.Nats.Diagnostics;
using Weir.Brokers.Nats.Logs;
using Weir.Brokers.Nats.Presence;
using Weir.Brokers.Nats.Streams;
using Weir.Brokers.Nats.Subjects;
using Weir.Diagnostics;
using Weir.Relay.Brokers;
using Weir.Timing;

namespace Weir.Brokers.Nats;

/// <summary>
/// Rooms across nodes through nats-server 2.9 or newer, alone or as a cluster; history and presence in JetStream. Thread-safe.
/// </summary>
/// <remarks>
/// <para>A room with history is a subject of a stream. A node assigns the offsets, in messages that the server stores only if no other
/// node's came before, and the server announces what it has stored. In other rooms a publication is a message of core NATS: at most
/// once, and in one order for each publishing node, as nats-server orders no more than that.</para>
/// <para>No request is repeated automatically: one without a reply fails, and reports that it may have been executed. While NATS is
/// unavailable requests fail immediately. A lost connection is a gap: a new one is made, and the node compares the positions of its
/// rooms.</para>
/// <para>See docs/operations/nats.md.</para>
/// </remarks>
public sealed partial class NatsBroker : IBroker
{
    private readonly NatsOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly NatsMetrics _metrics;
    private readonly RunningTimeouts _timeouts;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<string, RoomSubscription> _rooms = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, LogWriter> _logs = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, PresenceWriter> _presences = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _reading = new(64); // histories that are read at the same time
    private readonly Context _context;
    private volatile LogCache? _cache;
    private IBrokerSink? _sink;
    private Names? _names;
    private Task _supervision = Task.CompletedTask;
    private int _pending;

    /// <summary>Creates a broker that connects once it is started.</summary>
    /// <param name="options">Read now; later changes have no effect.</param>
    /// <param name="loggers"><c>null</c>: no log.</param>
    /// <param name="time"><c>null</c>: the system's.</param>
    /// <param name="meters"><c>null</c>: a meter of its own.</param>
    /// <exception cref="ArgumentException">An option is wrong.</exception>
    public NatsBroker(NatsOptions options, ILoggerFactory? loggers = null, TimeProvider? time = null, IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
        _time = time ?? TimeProvider.System;
        _logger = (loggers ?? NullLoggerFactory.Instance).CreateLimitedLogger(NatsLog.Category, _time);
        _metrics = new NatsMetrics(meters);
        _timeouts = new RunningTimeouts(options.RequestTimeout, _time);
        _clock = new ServerClock(_time);
        _context = new Context(this);
    }

    /// <inheritdoc />
    public bool IsSingleNode => false;

    private Names Names => _names ?? throw new InvalidOperationException("The broker has not been started.");

    /// <inheritdoc />
    public Task StartAsync(IBrokerSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sink);
        if (_sink is not null)
        {
            throw new InvalidOperationException("The broker has been started already.");
        }

        _sink = sink;
        _names = new Names(_options.Prefix, _options.Shards, sink.NodeId);
        _supervision = Task.Run(SuperviseAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async ValueTask SubscribeAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        IBrokerSink sink = _sink ?? throw new InvalidOperationException("The broker has not been started.");
        RoomSubscription subscription = _rooms.GetOrAdd(
            room,
            static (name, of) => new RoomSubscription(name, of.Names.RoomOf(Names.TokenOf(name)), of.sink, of._logger),
            (Names, sink, _logger));
        if (_session is not { } session)
        {
            throw new BrokerUnavailableException(
                "NATS is unavailable; the room will be subscribed to when NATS is available again.", isUnknown: false);
        }

        try
        {
            await session.AlignAsync(subscription.Subject, () => _rooms.GetValueOrDefault(room)).WaitAsync(cancellationToken);
            await session.RoundTripAsync().WaitAsync(cancellationToken);
        }
        catch (Exception error) when (error is not BrokerUnavailableException && !cancellationToken.IsCancellationRequested)
        {
            throw new BrokerUnavailableException("NATS has not confirmed the subscription.", isUnknown: true, error);
        }
    }

    /// <inheritdoc />
    public async ValueTask UnsubscribeAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        if (!_rooms.TryRemove(room, out RoomSubscription? subscription) || _session is not { } session)
        {
            return;
        }

        try
        {
            await session.AlignAsync(subscription.Subject, () => _rooms.GetValueOrDefault(room)).WaitAsync(cancellationToken);
            await session.RoundTripAsync().WaitAsync(cancellationToken);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            // A connection that is lost has no subscriptions.
            NatsLog.TryFailed(_logger, error);
        }
    }

    /// <summary>Ends the connection; requests that are not answered within <see cref="NatsOptions.RequestTimeout"/> fail.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _supervision;
        if (_session is { } session)
        {
            try
            {
                // First the messages of other nodes: the server then answers them that this node is gone.
                await session.UnsubscribeExceptAsync(Names.AllNodes, static () => new HashSet<string>());
                await session.RoundTripAsync();
            }
            catch (Exception error) when (error is BrokerUnavailableException or OperationCanceledException or NatsException)
            {
                NatsLog.TryFailed(_logger, error);
            }

            await session.FinishAsync();
        }

        _timeouts.Dispose();
    }

    /// <summary>Begins a request; <see cref="Leave"/> ends it.</summary>
    private void Enter()
    {
        if (_session is null)
        {
            throw new BrokerUnavailableException("NATS is unavailable.", isUnknown: false);
        }

        if (Interlocked.Increment(ref _pending) > _options.MaxPending)
        {
            Leave();
            throw new BrokerUnavailableException($"{_options.MaxPending} requests wait for NATS already.", isUnknown: false);
        }
    }

    private void Leave() => Interlocked.Decrement(ref _pending);
}
