namespace Weir.Protocols.Centrifugo.Sessions;

/// <summary>
/// The sessions of each user as an intrusive list: most users have one. Sessions without a user are not in it. Thread-safe.
/// </summary>
internal sealed class UserIndex
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ClientSession> _first = new(StringComparer.Ordinal);

    /// <summary>Gets the number of distinct users.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _first.Count;
            }
        }
    }

    public void Add(ClientSession session)
    {
        string user = session.Identity.User;
        if (user.Length == 0)
        {
            return;
        }

        lock (_gate)
        {
            session.OfUser = new Link { Next = _first.GetValueOrDefault(user) };
            if (session.OfUser.Next is { } next)
            {
                next.OfUser!.Previous = session;
            }

            _first[user] = session;
        }
    }

    public void Remove(ClientSession session)
    {
        lock (_gate)
        {
            if (session.OfUser is not { } link)
            {
                return;
            }

            session.OfUser = null;
            if (link.Next is { } next)
            {
                next.OfUser!.Previous = link.Previous;
            }

            if (link.Previous is { } previous)
            {
                previous.OfUser!.Next = link.Next;
            }
            else if (link.Next is { } first)
            {
                _first[session.Identity.User] = first;
            }
            else
            {
                _first.Remove(session.Identity.User);
            }
        }
    }

    public List<ClientSession> Of(string user)
    {
        List<ClientSession> found = [];
        lock (_gate)
        {
            for (ClientSession? session = _first.GetValueOrDefault(user); session is not null; session = session.OfUser!.Next)
            {
                found.Add(session);
            }
        }

        return found;
    }

    /// <summary>A session's list entry among those of its user; guarded by the index.</summary>
    internal sealed class Link
    {
        public ClientSession? Next { get; set; }

        public ClientSession? Previous { get; set; }
    }
}
