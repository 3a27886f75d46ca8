namespace Weir.Chaos.Matrix;

/// <summary>A client that listens by one of the ways in, returns by itself when its connection ends, and records everything.</summary>
internal abstract class ClientListener(Way way, params string[] rooms) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<Heard>> _heard = rooms.ToDictionary(static room => room, static _ => new List<Heard>());
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

    /// <summary>One account per room. To be called when it is disposed.</summary>
    public IEnumerable<Account> Accounts =>
        rooms.Select(room => new Account(room, _heard[room], Math.Max(0, _connections - 1)) { Way = way });

    public abstract void Start();

    public abstract ValueTask DisposeAsync();

    public bool HasHeard(string text)
    {
        lock (_gate)
        {
            return _texts.Contains(text);
        }
    }

    public override string ToString() => $"{way.Name} of {string.Join('+', rooms)}";

    protected void OnConnected()
    {
        lock (_gate)
        {
            _connections++;
            foreach (List<Heard> heard in _heard.Values)
            {
                heard.Add(Heard.NewConnection);
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

    protected void OnMessage(string room, Position? position, string text)
    {
        lock (_gate)
        {
            _heard[room].Add(new Heard(position, text));
            _texts.Add(text);
        }
    }

    protected void OnLost(string room, Position? next)
    {
        lock (_gate)
        {
            _heard[room].Add(new Heard(next, null));
        }
    }
}
