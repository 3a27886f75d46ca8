using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Weir.Rooms;
using Weir.Sending;

namespace Weir;

/// <summary>
/// Rooms by name. A room comes into being with its first member and vanishes with its last. Thread-safe; one directory
/// is meant to be shared by all handlers whose connections should meet.
/// </summary>
public sealed class RoomDirectory
{
    private readonly ConcurrentDictionary<string, Room> _rooms = new(StringComparer.Ordinal);
    private long _deliveries;

    /// <summary>Makes an empty directory.</summary>
    /// <param name="options">Its limits; null for the defaults.</param>
    public RoomDirectory(RoomOptions? options = null)
        : this(FrameRunPool.Shared, options)
    {
    }

    internal RoomDirectory(FrameRunPool runs, RoomOptions? options = null)
    {
        Runs = runs;
        Options = options ?? new RoomOptions();
    }

    /// <summary>The limits.</summary>
    public RoomOptions Options { get; }

    /// <summary>Rooms with at least one member.</summary>
    public int Count => _rooms.Count;

    /// <summary>Messages handed to members by all publishes so far; one publish to a room of 1,000 counts 1,000.</summary>
    public long Deliveries => Volatile.Read(ref _deliveries);

    internal FrameRunPool Runs { get; }

    /// <summary>Puts the connection into a room; it leaves by itself when it closes.</summary>
    /// <param name="name">The room, compared byte by byte (case matters).</param>
    /// <param name="connection">The connection that joins; joining a room twice is the same as once.</param>
    /// <returns>The room, good for publishing as long as the connection is in it; null when the connection has closed.</returns>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty or too long, see <see cref="RoomOptions"/>.</exception>
    /// <exception cref="InvalidOperationException">The connection is in as many rooms as it may be.</exception>
    public Room? Join(string name, WeirConnection connection)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(connection);
        if (!Options.Allows(name))
        {
            throw new ArgumentException($"The name of a room has at most {Options.MaxNameBytes} bytes.", nameof(name));
        }

        SendScope.Current?.WalkPublications(); // who joins now does not hear what was published before
        while (true)
        {
            Room room = _rooms.GetOrAdd(name, static (key, directory) => new Room(key, directory), this);
            switch (connection.Memberships.Join(room, connection, Options.MaxRoomsPerConnection))
            {
                case JoinOutcome.Member:
                    return room;
                case JoinOutcome.ConnectionClosed:
                    room.VanishIfEmpty(); // made for nobody: no member will ever leave it
                    return null;
                case JoinOutcome.TooManyRooms:
                    room.VanishIfEmpty();
                    throw new InvalidOperationException($"A connection is in at most {Options.MaxRoomsPerConnection} rooms.");
                case JoinOutcome.RoomVanished:
                    continue; // its last member left while we came in: make it anew
            }
        }
    }

    /// <summary>Takes the connection out of a room.</summary>
    /// <returns>False when it was not a member.</returns>
    public bool Leave(string name, WeirConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        SendScope.Current?.WalkPublications(); // who leaves now still hears what was published before
        return _rooms.TryGetValue(name, out Room? room) && connection.Memberships.Leave(room);
    }

    /// <summary>Finds a room that has members.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out Room? room) => _rooms.TryGetValue(name, out room);

    /// <summary>Sends one message to every member of a room but <paramref name="except"/>; to nobody when there is no such room.</summary>
    /// <inheritdoc cref="Room.Publish(in ReadOnlySequence{byte}, MessageKind, WeirConnection?, string?)"/>
    public void Publish(string name, in ReadOnlySequence<byte> payload, MessageKind kind, WeirConnection? except = null, string? key = null)
    {
        if (_rooms.TryGetValue(name, out Room? room))
        {
            room.Publish(payload, kind, except, key);
        }
    }

    /// <summary>
    /// Sends one message to every member of several rooms but <paramref name="except"/>; a connection in more than one of them
    /// is sent it once. Names without a room are passed over.
    /// </summary>
    /// <param name="names">The rooms.</param>
    /// <param name="payload">The message; copied before the call returns. Text must be valid UTF-8.</param>
    /// <param name="kind">Text or binary.</param>
    /// <param name="except">A member that is left out, usually the sender; <c>null</c> sends to all.</param>
    /// <param name="key">See <see cref="WeirConnection.Send(in ReadOnlySequence{byte}, MessageKind, string?)"/>.</param>
    public void Publish(
        IEnumerable<string> names, in ReadOnlySequence<byte> payload, MessageKind kind, WeirConnection? except = null, string? key = null)
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

    // By key and value: a room of the same name that came after it stays.
    internal void Forget(Room room) => _rooms.TryRemove(KeyValuePair.Create(room.Name, room));

    internal void CountDeliveries(FrameRun run, int members) => Interlocked.Add(ref _deliveries, (long)run.Count * members);
}
