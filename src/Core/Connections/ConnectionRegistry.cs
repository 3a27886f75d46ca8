using System.Diagnostics;

namespace Weir.Connections;

/// <summary>
/// The open connections of a node, kept so that the drain and operators can find them. A linked list through the connections
/// themselves, so that adding and removing are O(1) and allocate no memory. Thread-safe.
/// </summary>
internal sealed class ConnectionRegistry
{
    private readonly Lock _gate = new();
    private WeirConnection? _first;
    private int _count;

    /// <summary>Connections that have not ended.</summary>
    public int Count => Volatile.Read(ref _count);

    public void Add(WeirConnection connection)
    {
        lock (_gate)
        {
            LinkInsideLock(connection);
            _count++;
        }
    }

    public void Remove(WeirConnection connection)
    {
        lock (_gate)
        {
            _count--;
            if (connection.Links.IsLinked)
            {
                UnlinkInsideLock(connection);
            }
        }
    }

    /// <summary>Moves up to <paramref name="most"/> connections off the list, to be closed; they count until they end.</summary>
    public void Take(int most, List<WeirConnection> taken)
    {
        lock (_gate)
        {
            for (; most > 0 && _first is { } connection; most--)
            {
                UnlinkInsideLock(connection);
                taken.Add(connection);
            }
        }
    }

    /// <summary>
    /// Returns the connection with this id; <c>null</c> if there is no such connection or it has been taken. O(n): for requests of
    /// an operator, not for the path of a message.
    /// </summary>
    public WeirConnection? Find(string id)
    {
        lock (_gate)
        {
            WeirConnection? connection = _first;
            while (connection is not null && connection.Id != id)
            {
                connection = connection.Links.Next;
            }

            return connection;
        }
    }

    /// <summary>Returns the matching connections that have not been taken; O(n), as <see cref="Find"/>.</summary>
    public List<WeirConnection> FindAll(Predicate<WeirConnection> isMeant)
    {
        List<WeirConnection> found = [];
        lock (_gate)
        {
            for (WeirConnection? connection = _first; connection is not null; connection = connection.Links.Next)
            {
                if (isMeant(connection))
                {
                    found.Add(connection);
                }
            }
        }

        return found;
    }

    private void LinkInsideLock(WeirConnection connection)
    {
        connection.Links = new RegistryLinks(null, _first, IsLinked: true);
        if (_first is { } next)
        {
            next.Links = next.Links with { Previous = connection };
        }

        _first = connection;
    }

    private void UnlinkInsideLock(WeirConnection connection)
    {
        RegistryLinks links = connection.Links;
        Debug.Assert(links.IsLinked);
        if (links.Previous is { } previous)
        {
            previous.Links = previous.Links with { Next = links.Next };
        }
        else
        {
            _first = links.Next;
        }

        if (links.Next is { } next)
        {
            next.Links = next.Links with { Previous = links.Previous };
        }

        connection.Links = default;
    }
}

/// <summary>A connection's position in the registry, which owns it.</summary>
internal readonly record struct RegistryLinks(WeirConnection? Previous, WeirConnection? Next, bool IsLinked);
