using Weir.Relay.Brokers;

namespace Weir.Simulation.Model;

/// <summary>
/// The server that the nodes share: a log for each room, as Redis keeps it (see docs/operations/redis.md), and the nodes that have
/// subscribed. Requests arrive by a <see cref="BrokerModel"/>.
/// </summary>
internal sealed class ServerModel(Ledger ledger)
{
    private readonly Dictionary<string, Log> _logs = [];
    private readonly Dictionary<string, Dictionary<string, RoomMember>> _present = [];
    private readonly List<Action> _hung = [];
    private int _line;
    private int _epochs;

    /// <summary>The links for announcements, with the rooms that each has subscribed to.</summary>
    public Dictionary<BrokerModel, HashSet<string>> Subscriptions { get; } = [];

    /// <summary>It has no memory left, or no replica: it refuses every write, but answers and announces.</summary>
    public bool RefusesWrites { get; set; }

    /// <summary>It is a replica now: while it refuses writes, a publication that is to be stored is not announced either.</summary>
    public bool RefusesAnnouncements { get; set; }

    /// <summary>It accepts data but does not process it.</summary>
    public bool IsHanging { get; private set; }

    /// <summary>Looks at what has arrived, now or when it hangs no more.</summary>
    public void Take(Action command)
    {
        if (IsHanging)
        {
            _hung.Add(command);
        }
        else
        {
            command();
        }
    }

    public void Hang() => IsHanging = true;

    public void Continue()
    {
        IsHanging = false;
        foreach (Action command in _hung)
        {
            command();
        }

        _hung.Clear();
    }

    public StreamPosition Publish(string node, string room, Publication publication, RoomRule rule, DateTimeOffset now)
    {
        if (!rule.KeepsHistory)
        {
            Announce(room, publication, "");
            return default;
        }

        if (RefusesWrites && !rule.Durable && !RefusesAnnouncements)
        {
            ledger.Announced.Add((SimulationWorld.TextOf(publication.Data.Span), room, now));
            Announce(room, publication, "");
            return default;
        }

        Log log = OpenToWrite(room);
        if (publication.IsAfterLoss)
        {
            ledger.Skip(room, new StreamPosition(log.Epoch, ++log.Top), node);
        }

        Publication numbered = publication.WithOffset(++log.Top);
        log.Kept.Add(numbered);
        if (log.Kept.Count > rule.HistorySize)
        {
            log.Kept.RemoveAt(0);
        }

        StreamPosition place = new(log.Epoch, log.Top);
        ledger.Store(room, place, SimulationWorld.TextOf(publication.Data.Span));
        Announce(room, numbered, log.Epoch);
        return place;
    }

    public StreamPosition Skip(string node, string room, RoomRule rule)
    {
        if (!rule.KeepsHistory)
        {
            return default;
        }

        Log log = OpenToWrite(room);
        StreamPosition skipped = new(log.Epoch, ++log.Top);
        ledger.Skip(room, skipped, node);
        return skipped;
    }

    public RoomHistory Read(string room, HistoryQuery query, RoomRule rule)
    {
        if (!rule.KeepsHistory)
        {
            return new RoomHistory([], default);
        }

        Log log = Open(room);
        List<Publication> found = query.Limit == 0 ? [] : log.Kept.FindAll(each => each.Offset > (query.Since?.Offset ?? 0));
        return new RoomHistory(found, new StreamPosition(log.Epoch, log.Top)) { Past = [.. log.Past] };
    }

    /// <summary>The clients present in a room: the nodes themselves, none of which ends before the simulation.</summary>
    public Dictionary<string, RoomMember> Present(string room)
        => _present.TryGetValue(room, out Dictionary<string, RoomMember>? present) ? present : _present[room] = [];

    /// <summary>The place of the newest publication.</summary>
    public StreamPosition TopOf(string room)
    {
        Log log = Open(room);
        return new StreamPosition(log.Epoch, log.Top);
    }

    /// <summary>Another process: offsets continue under other epochs.</summary>
    public void Restart(bool keepsData)
    {
        _line++;
        if (!keepsData)
        {
            _logs.Clear();
            _present.Clear();
        }
    }

    /// <summary>A replica that did not have the newest publications takes over.</summary>
    public void FailOver(int lost)
    {
        _line++;
        foreach (Log log in _logs.Values)
        {
            // Not below the beginning of this sequence: the replica would have the older one's name then.
            log.Top = Math.Max(log.Past.Count > 0 ? log.Past[0].Offset : 0, log.Top - lost);
            log.Kept.RemoveAll(each => each.Offset > log.Top);
        }
    }

    /// <summary>An operator deletes the keys of a room, or those of its publications alone.</summary>
    public void Delete(string room, bool onlyPublications)
    {
        if (onlyPublications)
        {
            Open(room).Kept.Clear();
        }
        else
        {
            _logs.Remove(room);
        }
    }

    private void Announce(string room, Publication publication, string epoch)
    {
        foreach ((BrokerModel link, HashSet<string> rooms) in Subscriptions)
        {
            if (rooms.Contains(room))
            {
                link.Announce(room, publication, epoch);
            }
        }
    }

    private Log OpenToWrite(string room) => RefusesWrites
        ? throw new BrokerUnavailableException("OOM command not allowed when used memory > 'maxmemory'.", isUnknown: false)
        : Open(room);

    private Log Open(string room)
    {
        if (!_logs.TryGetValue(room, out Log? log))
        {
            _logs.Add(room, log = new Log { Epoch = NewEpoch(), Line = _line });
            ledger.Begin(room, log.Epoch, from: null, common: 0);
        }
        else if (log.Line != _line)
        {
            log.Past.Insert(0, new StreamPosition(log.Epoch, log.Top));
            string epoch = NewEpoch();
            ledger.Begin(room, epoch, log.Epoch, log.Top);
            log.Epoch = epoch;
            log.Line = _line;
        }

        return log;
    }

    private string NewEpoch() => "e" + ++_epochs;

    private sealed class Log
    {
        public required string Epoch { get; set; }

        public long Top { get; set; }

        public int Line { get; set; }

        public List<Publication> Kept { get; } = [];

        public List<StreamPosition> Past { get; } = [];
    }
}
