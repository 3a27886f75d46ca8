using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Weir.Protocol;
using Weir.Sending;

namespace Weir.Rooms;

/// <summary>
/// Rooms by name. A room is created with its first member and removed with its last. Thread-safe; one directory is meant to be
/// shared by all handlers whose connections share rooms.
/// </summary>
public sealed class RoomDirectory
{
    private readonly ConcurrentDictionary<string, Room> _rooms = new(StringComparer.Ordinal);
    private long _deliveries;

    /// <summary>Creates an empty directory.</summary>
    /// <param name="options">Its limits; <c>null</c> for the defaults.</param>
    public RoomDirectory(RoomOptions? options = null)
        : this(SharedFramesPool.Shared, options)
    {
    }

    internal RoomDirectory(SharedFramesPool frames, RoomOptions? options = null)
    {
        Frames = frames;
        Options = options ?? new RoomOptions();
    }

    /// <summary>The limits.</summary>
    public RoomOptions Options { get; }

    /// <summary>The number of rooms; each has at least one member.</summary>
    public int Count => _rooms.Count;

    /// <summary>Messages handed to members by all publishes so far; one publish to a room of 1,000 counts 1,000.</summary>
    public long Deliveries => Volatile.Read(ref _deliveries);

    /// <summary>The pool of the frames of its publications.</summary>
    internal SharedFramesPool Frames { get; }

    /// <summary>Adds the connection to a room; it leaves automatically when it closes.</summary>
    /// <param name="name">The room, compared byte by byte (case matters).</param>
    /// <param name="member">The connection that joins; joining a room twice is the same as once.</param>
    /// <returns>The room, usable for publishing as long as the connection is in it; <c>null</c> if the connection has closed.</returns>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty or too long, see <see cref="RoomOptions"/>.</exception>
    /// <exception cref="InvalidOperationException">The connection is in as many rooms as allowed.</exception>
    public Room? Join(string name, IRoomMember member)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(member);
        if (!Options.Allows(name))
        {
            throw new ArgumentException($"The name of a room has at most {Options.MaxNameBytes} bytes.", nameof(name));
        }

        SendScope.Current?.WalkPublications(); // a member that joins now does not receive earlier publications
        while (true)
        {
            Room room = _rooms.GetOrAdd(name, static (key, directory) => new Room(key, directory), this);
            switch (member.Memberships.Join(room, member, Options.MaxRoomsPerConnection))
            {
                case JoinResult.Member:
                    return room;
                case JoinResult.ConnectionClosed:
                    room.VanishIfEmpty(); // it has no member whose leaving would remove it
                    return null;
                case JoinResult.TooManyRooms:
                    room.VanishIfEmpty();
                    throw new InvalidOperationException($"A connection is in at most {Options.MaxRoomsPerConnection} rooms.");
                case JoinResult.RoomVanished:
                    continue; // its last member left meanwhile: create it again
            }
        }
    }

    /// <summary>Removes the connection from a room.</summary>
    /// <returns><c>false</c> if it was not a member.</returns>
    public bool Leave(string name, IRoomMember member)
    {
        ArgumentNullException.ThrowIfNull(member);
        SendScope.Current?.WalkPublications(); // a member that leaves now still receives earlier publications
        return _rooms.TryGetValue(name, out Room? room) && member.Memberships.Leave(room);
    }

    /// <summary>Finds a room that has members.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out Room? room) => _rooms.TryGetValue(name, out room);

    /// <summary>Sends one message to every member of a room but <paramref name="except"/>; no effect if there is no such room.</summary>
    /// <inheritdoc cref="Room.Publish(in ReadOnlySequence{byte}, MessageKind, IRoomMember?, string?)"/>
    public void Publish(string name, in ReadOnlySequence<byte> payload, MessageKind kind, IRoomMember? except = null, string? key = null)
    {
        if (_rooms.TryGetValue(name, out Room? room))
        {
            room.Publish(payload, kind, except, key);
        }
    }

    /// <summary>
    /// Sends one message to every member of several rooms but <paramref name="except"/>; a connection in more than one of them is
    /// sent it once. Names without a room are skipped.
    /// </summary>
    /// <param name="names">The rooms.</param>
    /// <param name="payload">The message; copied before the call returns. Text must be valid UTF-8.</param>
    /// <param name="kind">Text or binary.</param>
    /// <param name="except">A member that is left out, usually the sender; <c>null</c> sends to all.</param>
    /// <param name="key">See <c>WeirConnection.Send</c>.</param>
    public void Publish(
        IEnumerable<string> names, in ReadOnlySequence<byte> payload, MessageKind kind, IRoomMember? except = null, string? key = null)
    {
        ArgumentNullException.ThrowIfNull(names);
        MessageCopies copies = new();
        foreach (string name in names)
        {
            if (_rooms.TryGetValue(name, out Room? room))
            {
                room.Publish(payload, kind, except, key, copies);
            }
        }
    }

    // By key and value: a later room of the same name stays.
    internal void Forget(Room room) => _rooms.TryRemove(KeyValuePair.Create(room.Name, room));

    internal void CountDeliveries(SharedFrames batch, int members) => Interlocked.Add(ref _deliveries, (long)batch.Count * members);
}
