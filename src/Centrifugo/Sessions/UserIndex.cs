namespace Weir.Centrifugo.Sessions;

/// <summary>
/// The sessions of each user, linked through themselves: most users have one, and who has no name is not in here. Thread-safe.
/// </summary>
internal sealed class UserIndex
{
    private readonly Dictionary<string, Session> _first = new(StringComparer.Ordinal);

    /// <summary>Different users.</summary>
    public int Count
    {
        get
        {
            lock (_first)
            {
                return _first.Count;
            }
        }
    }

    public void Add(Session session)
    {
        string user = session.Identity.User;
        if (user.Length == 0)
        {
            return;
        }

        lock (_first)
        {
            session.OfUser = new Link { Next = _first.GetValueOrDefault(user) };
            if (session.OfUser.Next is { } next)
            {
                next.OfUser!.Previous = session;
            }

            _first[user] = session;
        }
    }

    public void Remove(Session session)
    {
        lock (_first)
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

    public List<Session> Of(string user)
    {
        List<Session> found = [];
        lock (_first)
        {
            for (Session? session = _first.GetValueOrDefault(user); session is not null; session = session.OfUser!.Next)
            {
                found.Add(session);
            }
        }

        return found;
    }

    /// <summary>A session's place among those of its user; guarded by the index.</summary>
    internal sealed class Link
    {
        public Session? Next { get; set; }

        public Session? Previous { get; set; }
    }
}
