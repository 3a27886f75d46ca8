namespace Weir.Chaos.Matrix;

/// <summary>A client of one protocol and transport, which reconnects by itself when its connection ends, and records everything.</summary>
internal abstract class ClientListener(Way way, params string[] rooms) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<Receipt>> _receipts = rooms.ToDictionary(static room => room, static _ => new List<Receipt>());
    private readonly Dictionary<string, Position> _last = [];
    private readonly HashSet<string> _texts = [];
    private readonly HashSet<string> _ready = [];
    private int _connections;

    public Way Way => way;

    public IReadOnlyList<string> Rooms => rooms;

    /// <summary>Whether it has listened to all of its rooms at least once.</summary>
    public bool IsReady
    {
        get
        {
            lock (_gate)
            {
                return _ready.Count == rooms.Length;
            }
        }
    }

    /// <summary>One account per room, of what was given until now.</summary>
    public IReadOnlyList<Account> Accounts
    {
        get
        {
            lock (_gate)
            {
                return [.. rooms.Select(room => new Account(room, [.. _receipts[room]], Math.Max(0, _connections - 1)) { Way = way })];
            }
        }
    }

    public abstract void Start();

    public abstract ValueTask DisposeAsync();

    /// <summary>Whether it was given a message, or was notified of a loss that ends behind it.</summary>
    public bool HasPassed(string room, Position position, string text)
    {
        lock (_gate)
        {
            return _texts.Contains(text)
                || (_last.TryGetValue(room, out Position last) && last.Epoch == position.Epoch && last.Offset >= position.Offset);
        }
    }

    public override string ToString() => $"{way.Name} of {string.Join('+', rooms)}";

    protected void OnConnected()
    {
        lock (_gate)
        {
            _connections++;
            foreach (List<Receipt> receipts in _receipts.Values)
            {
                receipts.Add(Receipt.NewConnection);
            }
        }
    }

    protected void OnListening(string room)
    {
        lock (_gate)
        {
            _ready.Add(room);
        }
    }

    /// <summary>The last position in a room; <c>null</c> before the first.</summary>
    protected Position? LastOf(string room)
    {
        lock (_gate)
        {
            return _last.TryGetValue(room, out Position last) ? last : null;
        }
    }

    protected void OnMessage(string room, Position? position, string text)
    {
        lock (_gate)
        {
            Record(room, position, text);
            _texts.Add(text);
        }
    }

    /// <summary>To be called when the server continues from a position that the client has named, or begins there.</summary>
    protected void OnResumed(string room, Position position)
    {
        lock (_gate)
        {
            _receipts[room].Add(new Receipt(position, "") { IsResumption = true });
        }
    }

    protected void OnLost(string room, Position? next)
    {
        lock (_gate)
        {
            Record(room, next, null);
        }
    }

    private void Record(string room, Position? position, string? text)
    {
        _receipts[room].Add(new Receipt(position, text));
        if (position is { } last)
        {
            _last[room] = last;
        }
    }
}
