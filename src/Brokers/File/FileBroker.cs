using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.Brokers.File.Diagnostics;
using Weir.Brokers.File.Rooms;
using Weir.Brokers.File.Storage;
using Weir.Relay.Brokers;

namespace Weir.Brokers.File;

/// <summary>
/// The broker of a single node that keeps offsets, epochs and history in files, without a server: they outlive the process, however it
/// ends. Presence is in memory only. Thread-safe.
/// </summary>
/// <remarks>
/// <para>All rooms are in memory, and one thread writes what changes them to a log: it takes all requests that wait, writes them in one
/// step, synchronizes them with the disk where that is required, and only then applies and announces them. So no member and no reader is
/// given a publication that a crash could take back where <see cref="FileSync.Always"/> or a durable room promises more.</para>
/// <para>Each start begins a generation and with it new epochs, with the last offset that each earlier epoch has in common: clients
/// continue, and a position that was lost with the power is never assigned again unnoticed.</para>
/// <para>Rooms without history cost nothing here: their publications are announced immediately.</para>
/// </remarks>
public sealed partial class FileBroker : IBroker
{
    private readonly ConcurrentDictionary<string, FileRoom> _rooms = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _subscribed = new(StringComparer.Ordinal);
    private readonly FileBrokerOptions _options;
    private readonly Func<string, IAppendFile> _createFile;
    private readonly ILogger _logger;
    private readonly FileMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly RequestQueue _queue;
    private Generations _generations = Generations.First("");
    private StoreFolder? _folder;
    private IBrokerSink? _sink;
    private long _lastRoomId;
    private long _historyBytes;
    private volatile BrokerHealth _health = BrokerHealth.Degraded;

    /// <summary>Creates a broker; its files are opened when it is started.</summary>
    /// <param name="options">Where it keeps its data, and its bounds.</param>
    /// <param name="loggers">For its log messages; <c>null</c>: none are written.</param>
    /// <param name="time">Its clock; <c>null</c> for the system's.</param>
    /// <param name="meters">For its metrics; <c>null</c>: a meter without a factory.</param>
    /// <exception cref="ArgumentException"><see cref="FileBrokerOptions.Path"/> is empty.</exception>
    public FileBroker(
        FileBrokerOptions options, ILoggerFactory? loggers = null, TimeProvider? time = null, IMeterFactory? meters = null)
        : this(options, loggers, time, meters, static path => new AppendFile(path))
    {
    }

    internal FileBroker(
        FileBrokerOptions options, ILoggerFactory? loggers, TimeProvider? time, IMeterFactory? meters, Func<string, IAppendFile> createFile)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (string.IsNullOrEmpty(options.Path))
        {
            throw new ArgumentException($"{nameof(FileBrokerOptions)}.{nameof(options.Path)} must name a folder.", nameof(options));
        }

        _options = options;
        _createFile = createFile;
        _logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger(FileLog.Category);
        _metrics = new FileMetrics(meters);
        _time = time ?? TimeProvider.System;
        _queue = new RequestQueue(options.MaxPending);
    }

    /// <inheritdoc/>
    public bool IsSingleNode => true;

    /// <summary>Whether the disk stores: <see cref="BrokerHealth.Refusing"/> while it is full or reports errors.</summary>
    public BrokerHealth Health => _health;

    /// <summary>The bytes of the stored messages.</summary>
    public long HistoryBytes => Volatile.Read(ref _historyBytes);

    internal int RoomCount => _rooms.Count;

    private IBrokerSink Sink => _sink ?? throw new InvalidOperationException("The broker has not been started.");

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <inheritdoc/>
    /// <exception cref="IOException">
    /// The folder cannot be used, another process uses it, or its newest snapshot is damaged; the message has the remedy.
    /// </exception>
    public Task StartAsync(IBrokerSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sink);
        if (Interlocked.CompareExchange(ref _sink, sink, null) is not null)
        {
            throw new InvalidOperationException("The broker has been started before.");
        }

        Open();
        StartWriter();
        StartMaintenance();
        SetHealth(BrokerHealth.Up);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<StreamPosition> PublishAsync(string room, Publication publication, RoomRule rule, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(publication);
        ArgumentNullException.ThrowIfNull(rule);
        if (!rule.KeepsHistory)
        {
            if (_subscribed.ContainsKey(room))
            {
                Sink.OnPublication(room, publication, epoch: "");
            }

            return new(new StreamPosition("", 0));
        }

        // Readers are admitted: the room logs that they create are removed by a later sweep.
        if (_options.MaxRooms > 0 && _rooms.Count >= _options.MaxRooms && !_rooms.ContainsKey(room))
        {
            return ValueTask.FromException<StreamPosition>(
                new BrokerUnavailableException($"There are {_options.MaxRooms} rooms with history already.", isUnknown: false));
        }

        return WriteAsync(new WriteRequest(RequestKind.Publish, room) { Publication = publication, Rule = rule });
    }

    /// <inheritdoc/>
    public ValueTask SubscribeAsync(string room, CancellationToken cancellationToken)
    {
        _subscribed[room] = true;
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask UnsubscribeAsync(string room, CancellationToken cancellationToken)
    {
        _subscribed.TryRemove(room, out _);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<RoomHistory> ReadHistoryAsync(string room, HistoryQuery query, RoomRule rule, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (!rule.KeepsHistory)
        {
            return new(new RoomHistory([], new StreamPosition("", 0)));
        }

        FileRoom kept = Enter(room); // the first reader, too, is given the epoch of the later publications
        RoomHistory history;
        try
        {
            history = kept.Log.Read(query);
        }
        finally
        {
            kept.Log.Gate.Exit();
        }

        if (!kept.IsLogged)
        {
            _queue.TryAdd(new WriteRequest(RequestKind.Create, room), isOwn: true);
        }

        return new(kept.PastOffsets.Length == 0 ? history : history with { Past = kept.Past(_generations.Past) });
    }

    /// <inheritdoc/>
    public async ValueTask RemoveHistoryAsync(string room, CancellationToken cancellationToken)
        => await WriteAsync(new WriteRequest(RequestKind.Clear, room));

    /// <inheritdoc/>
    public ValueTask<StreamPosition> SkipAsync(string room, RoomRule rule, CancellationToken cancellationToken)
        => WriteAsync(new WriteRequest(RequestKind.Skip, room));

    /// <inheritdoc/>
    public ValueTask SetPresenceAsync(string room, RoomMember member, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(member);
        FileRoom kept = Enter(room);
        try
        {
            if (kept.Log.SetPresence(member, Later(kept.Log.LastUsed, lifetime)))
            {
                AnnouncePresence(room, member, hasJoined: true);
            }
        }
        finally
        {
            kept.Log.Gate.Exit();
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask RemovePresenceAsync(string room, string client, CancellationToken cancellationToken)
    {
        if (_rooms.TryGetValue(room, out FileRoom? kept))
        {
            lock (kept.Log.Gate)
            {
                if (kept.Log.RemovePresence(client, out RoomMember? member))
                {
                    AnnouncePresence(room, member, hasJoined: false);
                }
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<RoomMember>> ReadPresenceAsync(string room, CancellationToken cancellationToken)
    {
        if (!_rooms.TryGetValue(room, out FileRoom? kept))
        {
            return new([]);
        }

        lock (kept.Log.Gate)
        {
            return new(kept.Log.Present(Now));
        }
    }

    /// <summary>Has no effect: there is no other node.</summary>
    public ValueTask SendControlAsync(string? node, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
        => ValueTask.CompletedTask;

    /// <summary>Writes and synchronizes what waits, and releases the folder. Later requests fail.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopMaintenanceAsync();
        await StopWriterAsync();
        _folder?.Dispose();
    }

    // At most a quarter of the range, which never elapses.
    private static long Later(long now, TimeSpan time) => now + (long)Math.Min(time.TotalMilliseconds, long.MaxValue / 4);

    private static string NewId() => RandomNumberGenerator.GetHexString(8, lowercase: true);

    // Returns the room of that name with its gate held; creates it if there is none.
    private FileRoom Enter(string room)
    {
        while (true)
        {
            FileRoom kept = _rooms.GetOrAdd(room, static (name, broker) => broker.NewRoom(name), this);
            kept.Log.Gate.Enter();
            if (!kept.Log.IsForgotten)
            {
                kept.Log.LastUsed = Now;
                Interlocked.Add(ref _historyBytes, -kept.Log.ClearHistoryIfExpired(kept.Log.LastUsed));
                return kept;
            }

            kept.Log.Gate.Exit();
            _rooms.TryRemove(KeyValuePair.Create(room, kept));
        }
    }

    private FileRoom NewRoom(string name)
        => new(name, Interlocked.Increment(ref _lastRoomId), NewId(), _generations.Current, offset: 0, pastOffsets: []);

    private ValueTask<StreamPosition> WriteAsync(WriteRequest request)
        => _queue.TryAdd(request) ? new(request.Task)
            : ValueTask.FromException<StreamPosition>(new BrokerUnavailableException(
                _health == BrokerHealth.Degraded ? "The broker does not run." : $"{_options.MaxPending} requests wait for the disk already.",
                isUnknown: false));

    private void AnnouncePresence(string room, RoomMember member, bool hasJoined)
    {
        if (_subscribed.ContainsKey(room))
        {
            Sink.OnPresenceChanged(room, member, hasJoined);
        }
    }

    private void SetHealth(BrokerHealth health)
    {
        if (_health != health)
        {
            _health = health;
            Sink.OnHealthChanged(health);
        }
    }
}
