using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using Weir.Relay.Brokers;

namespace Weir.Relay;

/// <summary>
/// The broker of a single node: all data in its memory, lost with the process. Offsets, history, epochs and presence behave as with any
/// other broker. Thread-safe; every call completes immediately.
/// </summary>
/// <remarks>
/// A room without history costs one entry while it is subscribed to. No entry has a timer of its own: expired data is not returned any
/// more, and a sweep every few seconds removes it.
/// </remarks>
public sealed class MemoryBroker : IBroker
{
    /// <summary>How often the sweep runs; a vanished client may be announced as gone this much later than its lifetime.</summary>
    internal static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, RoomLog> _rooms = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _subscribed = new(StringComparer.Ordinal);
    private readonly MemoryBrokerOptions _options;
    private readonly TimeProvider _time;
    private long _historyBytes;
    private IBrokerSink? _sink;
    private ITimer? _sweep;

    /// <summary>Creates an empty broker.</summary>
    /// <param name="options">Its bounds; <c>null</c> for the defaults.</param>
    /// <param name="time">Its clock; <c>null</c> for the system's.</param>
    public MemoryBroker(MemoryBrokerOptions? options = null, TimeProvider? time = null)
    {
        _options = options ?? new MemoryBrokerOptions();
        _time = time ?? TimeProvider.System;
    }

    /// <inheritdoc/>
    public bool IsSingleNode => true;

    /// <inheritdoc/>
    public BrokerHealth Health => BrokerHealth.Up;

    /// <summary>The bytes of the stored messages.</summary>
    public long HistoryBytes => Volatile.Read(ref _historyBytes);

    internal int RoomCount => _rooms.Count;

    private IBrokerSink Sink => _sink ?? throw new InvalidOperationException("The broker has not been started.");

    /// <inheritdoc/>
    public Task StartAsync(IBrokerSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sink);
        if (Interlocked.CompareExchange(ref _sink, sink, null) is not null)
        {
            throw new InvalidOperationException("The broker has been started before.");
        }

        _sweep = _time.CreateTimer(static broker => ((MemoryBroker)broker!).Sweep(), this, SweepInterval, SweepInterval);
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
            return ValueTask.FromException<StreamPosition>(new BrokerUnavailableException(
                $"There are {_options.MaxRooms} rooms with history already.", isUnknown: false));
        }

        RoomLog kept = Enter(room);
        try
        {
            long until = rule.HistoryTtl > TimeSpan.Zero ? kept.LastUsed + TicksOf(rule.HistoryTtl) : long.MaxValue;
            Publication numbered = kept.Append(publication, rule.HistorySize, until, out long freed);
            Interlocked.Add(ref _historyBytes, numbered.Data.Length - freed);
            if (_options.MaxHistoryBytes > 0 && HistoryBytes > _options.MaxHistoryBytes)
            {
                Interlocked.Add(ref _historyBytes, -kept.ClearHistory());
            }

            if (_subscribed.ContainsKey(room))
            {
                Sink.OnPublication(room, numbered, kept.Epoch);
            }

            return new(kept.Top);
        }
        finally
        {
            kept.Gate.Exit();
        }
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

        RoomLog kept = Enter(room); // the first reader, too, is given the epoch of the later publications
        try
        {
            return new(kept.Read(query));
        }
        finally
        {
            kept.Gate.Exit();
        }
    }

    /// <inheritdoc/>
    public ValueTask RemoveHistoryAsync(string room, CancellationToken cancellationToken)
    {
        if (_rooms.TryGetValue(room, out RoomLog? kept))
        {
            lock (kept.Gate)
            {
                Interlocked.Add(ref _historyBytes, -kept.ClearHistory());
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask SetPresenceAsync(string room, RoomMember member, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(member);
        RoomLog kept = Enter(room);
        try
        {
            if (kept.SetPresence(member, kept.LastUsed + TicksOf(lifetime)))
            {
                AnnouncePresence(room, member, hasJoined: true);
            }
        }
        finally
        {
            kept.Gate.Exit();
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask RemovePresenceAsync(string room, string client, CancellationToken cancellationToken)
    {
        if (_rooms.TryGetValue(room, out RoomLog? kept))
        {
            lock (kept.Gate)
            {
                if (kept.RemovePresence(client, out RoomMember? member))
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
        if (!_rooms.TryGetValue(room, out RoomLog? kept))
        {
            return new([]);
        }

        lock (kept.Gate)
        {
            return new(kept.Present(_time.GetTimestamp()));
        }
    }

    /// <inheritdoc/>
    public ValueTask<StreamPosition> SkipAsync(string room, RoomRule rule, CancellationToken cancellationToken)
    {
        if (!_rooms.ContainsKey(room))
        {
            return default; // there are no earlier positions
        }

        RoomLog kept = Enter(room);
        kept.Skip();
        StreamPosition top = kept.Top;
        kept.Gate.Exit();
        return new(top);
    }

    /// <summary>Has no effect: there is no other node.</summary>
    public ValueTask SendControlAsync(string? node, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
        => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _sweep?.DisposeAsync() ?? ValueTask.CompletedTask;

    // Returns the room log of that name with its gate held; creates it if there is none.
    private RoomLog Enter(string room)
    {
        while (true)
        {
            RoomLog kept = _rooms.GetOrAdd(room, static _ => new RoomLog(NewEpoch()));
            kept.Gate.Enter();
            if (!kept.IsForgotten)
            {
                kept.LastUsed = _time.GetTimestamp();
                Interlocked.Add(ref _historyBytes, -kept.ClearHistoryIfExpired(kept.LastUsed));
                return kept;
            }

            kept.Gate.Exit();
            _rooms.TryRemove(KeyValuePair.Create(room, kept));
        }
    }

    private void AnnouncePresence(string room, RoomMember member, bool hasJoined)
    {
        if (_subscribed.ContainsKey(room))
        {
            Sink.OnPresenceChanged(room, member, hasJoined);
        }
    }

    private void Sweep()
    {
        long now = _time.GetTimestamp();
        long lastUseOfInterest = now - TicksOf(_options.UnusedRoomLifetime);
        foreach ((string name, RoomLog room) in _rooms)
        {
            lock (room.Gate)
            {
                Interlocked.Add(ref _historyBytes, -room.ClearHistoryIfExpired(now));
                foreach (RoomMember member in room.TakeExpired(now))
                {
                    AnnouncePresence(name, member, hasJoined: false);
                }

                if (!_subscribed.ContainsKey(name) && room.TryForget(lastUseOfInterest))
                {
                    _rooms.TryRemove(KeyValuePair.Create(name, room));
                }
            }
        }

        Debug.Assert(HistoryBytes >= 0, "More bytes freed than stored");
    }

    private static string NewEpoch() => RandomNumberGenerator.GetHexString(8, lowercase: true);

    // At most a quarter of the range, which never elapses.
    private long TicksOf(TimeSpan time) => (long)Math.Min(time.TotalSeconds * _time.TimestampFrequency, long.MaxValue / 4);
}
