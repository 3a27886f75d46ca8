using System.Diagnostics.CodeAnalysis;
using Weir.Relay.Brokers;

namespace Weir.Relay.Memory;

/// <summary>The room log of a <see cref="MemoryBroker"/>: offsets, history, presence. Guarded by its own monitor.</summary>
/// <remarks>
/// Announcements are made inside the monitor, so that their order is the order of the offsets. The sink only queues them.
/// </remarks>
internal sealed class MemoryRoomLog(string epoch)
{
    /// <summary>Guards the log and its presence; the broker holds it around every call.</summary>
    public readonly Lock Gate = new();

    private readonly Queue<Publication> _history = new();
    private Dictionary<string, (RoomMember Member, long Until)>? _present;
    private long _offset;
    private long _historyUntil = long.MaxValue;

    public string Epoch => epoch;

    public StreamPosition Top => new(epoch, _offset);

    /// <summary>Set when the broker has removed the room: a caller that found it must look it up again.</summary>
    public bool IsForgotten { get; private set; }

    /// <summary>The time of its last use, by the broker's clock.</summary>
    public long LastUsed { get; set; }

    /// <summary>Assigns an offset to a publication and stores it.</summary>
    /// <param name="publication">The publication, without an offset yet.</param>
    /// <param name="size">The most publications kept.</param>
    /// <param name="until">When all of them expire.</param>
    /// <param name="freed">The bytes of the evicted ones.</param>
    public Publication Append(Publication publication, int size, long until, out long freed)
    {
        _offset += publication.IsAfterLoss ? 2 : 1;
        Publication numbered = publication.WithOffset(_offset);
        _history.Enqueue(numbered);
        _historyUntil = until;
        freed = 0;
        while (_history.Count > size)
        {
            freed += _history.Dequeue().Data.Length;
        }

        return numbered;
    }

    /// <summary>Skips an offset.</summary>
    public void Skip() => _offset++;

    /// <summary>Removes the history; the offset continues.</summary>
    /// <returns>Its bytes.</returns>
    public long ClearHistory()
    {
        long bytes = 0;
        foreach (Publication publication in _history)
        {
            bytes += publication.Data.Length;
        }

        _history.Clear();
        _historyUntil = long.MaxValue;
        return bytes;
    }

    public long ClearHistoryIfExpired(long now) => now >= _historyUntil ? ClearHistory() : 0;

    public RoomHistory Read(in HistoryQuery query)
    {
        if (query.Limit == 0)
        {
            return new RoomHistory([], Top);
        }

        int most = query.Limit < 0 ? int.MaxValue : query.Limit;
        long since = query.Since?.Offset ?? (query.Reverse ? long.MaxValue : 0);
        IEnumerable<Publication> found = query.Reverse
            ? _history.Reverse().SkipWhile(publication => publication.Offset >= since)
            : _history.SkipWhile(publication => publication.Offset <= since);
        return new RoomHistory([.. found.Take(most)], Top);
    }

    /// <returns>True if the client was not present before.</returns>
    public bool SetPresence(RoomMember member, long until)
    {
        _present ??= new(StringComparer.Ordinal);
        bool isNew = !_present.ContainsKey(member.Client);
        _present[member.Client] = (member, until);
        return isNew;
    }

    public bool RemovePresence(string client, [NotNullWhen(true)] out RoomMember? member)
    {
        (RoomMember Member, long Until) found = default;
        bool wasThere = _present?.Remove(client, out found) ?? false;
        member = found.Member;
        return wasThere;
    }

    public IReadOnlyList<RoomMember> Present(long now)
        => _present is null ? [] : [.. _present.Values.Where(entry => entry.Until > now).Select(static entry => entry.Member)];

    /// <summary>Removes the clients whose lifetime is over.</summary>
    public IReadOnlyList<RoomMember> TakeExpired(long now)
    {
        if (_present is null || _present.Count == 0)
        {
            return [];
        }

        List<RoomMember> expired = [.. _present.Values.Where(entry => entry.Until <= now).Select(static entry => entry.Member)];
        foreach (RoomMember member in expired)
        {
            _present.Remove(member.Client);
        }

        return expired;
    }

    /// <summary>Removes the room if it holds no data and was last used at <paramref name="lastUseOfInterest"/> or before.</summary>
    public bool TryForget(long lastUseOfInterest)
    {
        IsForgotten = _history.Count == 0 && (_present?.Count ?? 0) == 0 && LastUsed <= lastUseOfInterest;
        return IsForgotten;
    }
}
