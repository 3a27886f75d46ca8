using System.Collections.Concurrent;

namespace Weir.Integration.Soak;

/// <summary>
/// The handler's calls, in the order of one counter: the memberships with their begin and end, and what
/// was published when. Against this every member's received messages are held at the end.
/// </summary>
internal sealed class SoakLedger
{
    private readonly ConcurrentDictionary<int, SoakMember> _members = new();
    private long _now;

    public int Members => _members.Count;

    public int Publications => _members.Values.Sum(static member => member.Published.Count);

    public int Deliveries => _members.Values.Sum(static member => member.Received.Count);

    /// <summary>The next moment.</summary>
    public long Tick() => Interlocked.Increment(ref _now);

    public SoakMember Member(int id) => _members.GetOrAdd(id, static key => new SoakMember(key));

    /// <summary>Everything that is not as it must be; to be called when all connections have ended.</summary>
    public IReadOnlyList<string> FindViolations()
    {
        ILookup<int, Publication> byRoom = _members.Values.SelectMany(static member => member.Published).ToLookup(static each => each.Room);
        return [.. _members.Values.SelectMany(member => ViolationsOf(member, byRoom))];
    }

    private static IEnumerable<string> ViolationsOf(SoakMember member, ILookup<int, Publication> byRoom)
    {
        foreach (string disorder in DisorderOf(member))
        {
            yield return disorder;
        }

        Dictionary<(int Publisher, int Sequence), int> copies = member.Received
            .GroupBy(static each => (each.Publisher, each.Sequence)).ToDictionary(static each => each.Key, static each => each.Count());
        int accountedFor = 0;
        foreach (IGrouping<int, Membership> room in member.Memberships.GroupBy(static each => each.Room))
        {
            foreach (Publication publication in byRoom[room.Key])
            {
                (int least, int most) = Expected(member, room, publication);
                int count = copies.GetValueOrDefault((publication.Publisher, publication.Sequence));
                accountedFor += count;
                if (count < least || count > most)
                {
                    yield return $"{member} got {count} copies of {publication}, not {least} to {most}: {string.Join(", ", room)}";
                }
            }
        }

        if (accountedFor != member.Received.Count)
        {
            yield return $"{member} got {member.Received.Count - accountedFor} messages of rooms it was never in.";
        }
    }

    private static (int Least, int Most) Expected(SoakMember member, IEnumerable<Membership> memberships, Publication publication)
    {
        if (publication.Publisher == member.Id)
        {
            // Its own commands are carried out one after another: nothing races.
            int copies = publication.PublisherWasMember ? 1 : 0;
            return (member.MayLose ? 0 : copies, copies);
        }

        // One that races with a join or a leave may be received or not, but once at most in each membership.
        bool mustReceive = !member.MayLose && memberships.Any(
            each => each.JoinEnd < publication.Start && publication.End < each.LeaveStart);
        int mayReceive = memberships.Count(each => each.JoinStart < publication.End && publication.Start < each.LeaveEnd);
        return (mustReceive ? 1 : 0, mayReceive);
    }

    // What one connection publishes to one room arrives in its order.
    private static IEnumerable<string> DisorderOf(SoakMember member)
    {
        Dictionary<(int Publisher, int Room), int> latest = [];
        foreach (Receipt receipt in member.Received)
        {
            (int, int) source = (receipt.Publisher, receipt.Room);
            if (latest.TryGetValue(source, out int before) && receipt.Sequence < before)
            {
                yield return $"{member} got {receipt} after sequence {before}.";
            }

            latest[source] = receipt.Sequence;
        }
    }
}

/// <summary>One connection's life. Each list has one writer: the handler's loop for this connection, or its client.</summary>
internal sealed class SoakMember(int id)
{
    public int Id => id;

    public List<Membership> Memberships { get; } = [];

    public List<Publication> Published { get; } = [];

    public List<Receipt> Received { get; } = [];

    /// <summary>It ended by a reset: data in flight is lost, and only that it received no wrong message can be checked.</summary>
    public bool MayLose { get; set; }

    public override string ToString() => $"member {id}{(MayLose ? " (reset)" : "")}";
}

/// <summary>From just before the call to Join to just after the call to Leave, or the end of the connection.</summary>
internal sealed record Membership(int Room, long JoinStart, long JoinEnd)
{
    public long LeaveStart { get; set; } = long.MaxValue;

    public long LeaveEnd { get; set; } = long.MaxValue;
}

/// <summary>From just before the call to Publish to when all members must have been given it.</summary>
internal sealed record Publication(int Room, int Publisher, int Sequence, bool PublisherWasMember, long Start)
{
    public long End { get; set; } = long.MaxValue;
}

/// <summary>A message as a client got it.</summary>
internal readonly record struct Receipt(int Room, int Publisher, int Sequence);
