using Weir.Relay.Brokers;

namespace Weir.Extensions.Tests.Brokers;

/// <summary>One room's log. Guarded by the lock of <see cref="SharedMemory"/>.</summary>
internal sealed class SharedRoom
{
    private readonly Dictionary<string, (RoomMember Member, DateTimeOffset Until)> _present = new(StringComparer.Ordinal);
    private readonly string _epoch = Guid.NewGuid().ToString("N");
    private List<Publication> _history = [];
    private DateTimeOffset _historyUntil = DateTimeOffset.MaxValue;
    private long _offset;

    public StreamPosition Top => new(_epoch, _offset);

    public Publication Append(Publication publication, RoomRule rule, DateTimeOffset now)
    {
        ExpireHistory(now);
        _offset += publication.IsAfterLoss ? 2 : 1;
        publication = publication.WithOffset(_offset);
        _history.Add(publication);
        _history.RemoveRange(0, Math.Max(0, _history.Count - rule.HistorySize));
        _historyUntil = rule.HistoryTtl > TimeSpan.Zero ? now + rule.HistoryTtl : DateTimeOffset.MaxValue;
        return publication;
    }

    public void Skip() => _offset++;

    public void ClearHistory() => _history = [];

    public RoomHistory Read(HistoryQuery query, DateTimeOffset now)
    {
        ExpireHistory(now);
        IEnumerable<Publication> found = query switch
        {
            { Limit: 0 } => [],
            { Reverse: true } => Enumerable.Reverse(_history).Where(each => each.Offset < (query.Since?.Offset ?? long.MaxValue)),
            _ => _history.Where(each => each.Offset > (query.Since?.Offset ?? 0)),
        };
        return new RoomHistory([.. query.Limit < 0 ? found : found.Take(query.Limit)], Top);
    }

    public bool SetPresence(RoomMember member, TimeSpan lifetime, DateTimeOffset now)
    {
        bool isNew = !_present.TryGetValue(member.Client, out var before) || before.Until <= now;
        _present[member.Client] = (member, now + lifetime);
        return isNew;
    }

    public RoomMember? RemovePresence(string client)
        => _present.Remove(client, out (RoomMember Member, DateTimeOffset Until) removed) ? removed.Member : null;

    public IReadOnlyList<RoomMember> Present(DateTimeOffset now)
        => [.. _present.Values.Where(each => each.Until > now).Select(static each => each.Member)];

    private void ExpireHistory(DateTimeOffset now)
    {
        if (now >= _historyUntil)
        {
            _history = [];
        }
    }
}
