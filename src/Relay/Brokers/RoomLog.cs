using System.Diagnostics.CodeAnalysis;

namespace Weir.Relay.Brokers;

/// <summary>
/// A room's data in the process of a broker: offsets, history, presence. For brokers that need no server, or that keep a copy of what
/// is stored elsewhere. Guarded by <see cref="Gate"/>, which the broker holds around every call.
/// </summary>
/// <remarks>
/// <para>Announcements are made inside the gate too, so that their order is the order of the offsets; a sink only queues them.</para>
/// <para>Times are numbers of the broker's clock, in any unit.</para>
/// </remarks>
[Experimental("WEIR001")]
public sealed class RoomLog
{
    private readonly Queue<Publication> _history = new();
    private Dictionary<string, (RoomMember Member, long Until)>? _present;
    private long _offset;

    /// <summary>Creates a log without publications.</summary>
    /// <param name="epoch">The epoch of its positions.</param>
    /// <param name="offset">The offset of the last publication, which is not kept any more; default 0: there was none.</param>
    public RoomLog(string epoch, long offset = 0)
    {
        Epoch = epoch;
        _offset = offset;
    }

    /// <summary>Guards everything here.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The epoch of its positions.</summary>
    public string Epoch { get; }

    /// <summary>The position of the newest publication.</summary>
    public StreamPosition Top => new(Epoch, _offset);

    /// <summary>The publications that are kept, oldest first.</summary>
    public IReadOnlyCollection<Publication> History => _history;

    /// <summary>When the history expires; <see cref="long.MaxValue"/>: never, or there is none.</summary>
    public long HistoryUntil { get; private set; } = long.MaxValue;

    /// <summary>Whether the broker has removed the room: a caller that found it must look it up again.</summary>
    public bool IsForgotten { get; private set; }

    /// <summary>The time of its last use; set by the broker.</summary>
    public long LastUsed { get; set; }

    /// <summary>Returns the offset of a publication that is appended next; see <see cref="Publication.IsAfterLoss"/>.</summary>
    public static long Next(long offset, Publication publication) => offset + (publication.IsAfterLoss ? 2 : 1);

    /// <summary>Assigns the next offset to a publication and stores it.</summary>
    /// <param name="publication">The publication, without an offset yet.</param>
    /// <param name="size">The most publications kept.</param>
    /// <param name="until">When all of them expire.</param>
    /// <param name="freed">The bytes of the data of the evicted ones.</param>
    /// <returns>The publication with its offset.</returns>
    public Publication Append(Publication publication, int size, long until, out long freed)
    {
        Publication numbered = publication.WithOffset(Next(_offset, publication));
        Store(numbered, size, until, out freed);
        return numbered;
    }

    /// <summary>Stores a publication that has its offset already, which becomes that of <see cref="Top"/> unless that is higher.</summary>
    /// <inheritdoc cref="Append"/>
    public void Store(Publication numbered, int size, long until, out long freed)
    {
        _offset = Math.Max(_offset, numbered.Offset);
        _history.Enqueue(numbered);
        HistoryUntil = until;
        freed = 0;
        while (_history.Count > size)
        {
            freed += _history.Dequeue().Data.Length;
        }
    }

    /// <summary>Skips an offset.</summary>
    public void Skip() => _offset++;

    /// <summary>Removes the history; the offset continues.</summary>
    /// <returns>The bytes of its data.</returns>
    public long ClearHistory()
    {
        long bytes = 0;
        foreach (Publication publication in _history)
        {
            bytes += publication.Data.Length;
        }

        _history.Clear();
        HistoryUntil = long.MaxValue;
        return bytes;
    }

    /// <summary>Removes the history if it has expired.</summary>
    /// <returns>The bytes of its data; 0 if it has not expired.</returns>
    public long ClearHistoryIfExpired(long now) => now >= HistoryUntil ? ClearHistory() : 0;

    /// <summary>Reads the history; see <see cref="IBroker.ReadHistoryAsync"/>.</summary>
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

    /// <summary>Records a client as present.</summary>
    /// <returns>True if the client was not present before.</returns>
    public bool SetPresence(RoomMember member, long until)
    {
        _present ??= new(StringComparer.Ordinal);
        bool isNew = !_present.ContainsKey(member.Client);
        _present[member.Client] = (member, until);
        return isNew;
    }

    /// <summary>Records a client as absent. Returns false if it was not present.</summary>
    public bool RemovePresence(string client, [NotNullWhen(true)] out RoomMember? member)
    {
        (RoomMember Member, long Until) found = default;
        bool wasThere = _present?.Remove(client, out found) ?? false;
        member = found.Member;
        return wasThere;
    }

    /// <summary>Gets the clients whose lifetime is not over.</summary>
    public IReadOnlyList<RoomMember> Present(long now)
        => _present is null ? [] : [.. _present.Values.Where(entry => entry.Until > now).Select(static entry => entry.Member)];

    /// <summary>Removes the clients whose lifetime is over, and returns them.</summary>
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

    /// <summary>Marks the room as forgotten if it holds no data and was last used at <paramref name="lastUseOfInterest"/> or before.</summary>
    /// <returns><see cref="IsForgotten"/>.</returns>
    public bool TryForget(long lastUseOfInterest)
    {
        IsForgotten = _history.Count == 0 && (_present?.Count ?? 0) == 0 && LastUsed <= lastUseOfInterest;
        return IsForgotten;
    }
}
