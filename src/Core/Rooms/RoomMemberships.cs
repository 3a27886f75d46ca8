using Weir.Threading;

namespace Weir.Rooms;

/// <summary>
/// The rooms of one <see cref="IRoomMember"/>: a linked list, since nearly every member is in one or two. Thread-safe.
/// </summary>
/// <remarks>Lock order: this list, then a room. A room never calls back into a list.</remarks>
public sealed class RoomMemberships
{
    private Membership? _head;
    private int _count;
    private bool _closed;
    private LightLock _gate;

    internal JoinResult Join(Room room, IRoomMember member, int most)
    {
        using (_gate.Hold(this))
        {
            if (_closed)
            {
                return JoinResult.ConnectionClosed;
            }

            if (Find(room) is not null)
            {
                return JoinResult.Member;
            }

            if (most > 0 && _count >= most)
            {
                return JoinResult.TooManyRooms;
            }

            Membership membership = new(room, member);
            if (!room.TryAdd(membership))
            {
                return JoinResult.RoomVanished;
            }

            membership.Next = _head;
            _head = membership;
            _count++;
            return JoinResult.Member;
        }
    }

    internal bool Leave(Room room)
    {
        using (_gate.Hold(this))
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
    /// Returns whether the connection is sent a message by a room that registered its iteration before <paramref name="order"/>.
    /// </summary>
    internal bool IsSentBefore(MessageCopies copies, int order)
    {
        using (_gate.Hold(this))
        {
            Membership? current = _head;
            while (current is not null && !copies.HasSent(current, order))
            {
                current = current.Next;
            }

            return current is not null;
        }
    }

    /// <summary>Leaves every room and refuses to join another: the member has ended. May be called more than once.</summary>
    public void Close()
    {
        using (_gate.Hold(this))
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

internal enum JoinResult
{
    /// <summary>The connection is in the room, now or since before.</summary>
    Member,

    /// <summary>The connection has ended and can join no room.</summary>
    ConnectionClosed,

    /// <summary>The connection is in as many rooms as allowed.</summary>
    TooManyRooms,

    /// <summary>The room's last member left just now; a new room of that name must be created.</summary>
    RoomVanished,
}
