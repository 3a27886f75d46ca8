namespace Weir.Rooms;

/// <summary>
/// The rooms one connection is in: a linked list, since nearly every connection is in one or two. Thread-safe.
/// </summary>
/// <remarks>Lock order: this list, then a room. A room never calls back into a list.</remarks>
internal sealed class MembershipList
{
    private Membership? _head;
    private int _count;
    private bool _closed;

    public JoinOutcome Join(Room room, WeirConnection connection, int most)
    {
        lock (this)
        {
            if (_closed)
            {
                return JoinOutcome.ConnectionClosed;
            }

            if (Find(room) is not null)
            {
                return JoinOutcome.Member;
            }

            if (most > 0 && _count >= most)
            {
                return JoinOutcome.TooManyRooms;
            }

            Membership membership = new(room, connection);
            if (!room.TryAdd(membership))
            {
                return JoinOutcome.RoomVanished;
            }

            membership.Next = _head;
            _head = membership;
            _count++;
            return JoinOutcome.Member;
        }
    }

    public bool Leave(Room room)
    {
        lock (this)
        {
            Membership? previous = null;
            for (Membership? current = _head; current is not null; previous = current, current = current.Next)
            {
                if (ReferenceEquals(current.Room, room))
                {
                    Unlink(previous, current);
                    _count--;
                    room.Remove(current);
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>
    /// Returns whether the connection is sent a message by a room that registered its walk before <paramref name="order"/>.
    /// </summary>
    public bool IsSentBefore(MessageCopies copies, int order)
    {
        lock (this)
        {
            Membership? current = _head;
            while (current is not null && !copies.HasSent(current, order))
            {
                current = current.Next;
            }

            return current is not null;
        }
    }

    /// <summary>Leaves every room and refuses to join another: the connection has ended.</summary>
    public void Close()
    {
        lock (this)
        {
            _closed = true;
            for (Membership? current = _head; current is not null; current = current.Next)
            {
                current.Room.Remove(current);
            }

            _head = null;
        }
    }

    private Membership? Find(Room room)
    {
        Membership? current = _head;
        while (current is not null && !ReferenceEquals(current.Room, room))
        {
            current = current.Next;
        }

        return current;
    }

    private void Unlink(Membership? previous, Membership current)
    {
        if (previous is null)
        {
            _head = current.Next;
        }
        else
        {
            previous.Next = current.Next;
        }
    }
}

internal enum JoinOutcome
{
    /// <summary>In the room, now or since before.</summary>
    Member,

    /// <summary>The connection has ended and joins nothing.</summary>
    ConnectionClosed,

    /// <summary>The connection is in as many rooms as it may be.</summary>
    TooManyRooms,

    /// <summary>The room's last member left just now; a new room of that name must be made.</summary>
    RoomVanished,
}
