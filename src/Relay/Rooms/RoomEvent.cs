using Weir.Relay.Brokers;

namespace Weir.Relay.Rooms;

/// <summary>
/// One event in a room's inbox. A struct, because a burst has one for each publication; each kind is made by its method, and has the values
/// that its method takes.
/// </summary>
internal readonly struct RoomEvent
{
    private readonly object? _first;
    private readonly object? _second;

    private RoomEvent(Kind kind, object? first = null, object? second = null)
    {
        Of = kind;
        _first = first;
        _second = second;
    }

    internal enum Kind
    {
        Announced,
        Joined,
        Left,
        Subscribe,
        Check,
        Located,
        HistoryRead,
        HistoryNotRead,
        NotStored,
        MaybeStored,
        BrokerUnavailable,
        Skipped,
        Reset,
    }

    /// <summary>The position must be compared with the broker's.</summary>
    public static RoomEvent Check => new(Kind.Check);

    /// <summary>The broker is unavailable: publications that wait for their announcement are given to the members of this node.</summary>
    public static RoomEvent BrokerUnavailable => new(Kind.BrokerUnavailable);

    /// <summary>The room is subscribed to anew, without a member that was given an earlier publication.</summary>
    public static RoomEvent Reset => new(Kind.Reset);

    /// <summary>The kind, which determines the values that the event has.</summary>
    public Kind Of { get; }

    /// <summary>Of <see cref="Kind.Announced"/>.</summary>
    public Publication Publication => (Publication)_first!;

    /// <summary>Of <see cref="Kind.Announced"/>.</summary>
    public string Epoch => (string)_second!;

    /// <summary>Of <see cref="Kind.Joined"/> and <see cref="Kind.Left"/>.</summary>
    public RoomMember Member => (RoomMember)_first!;

    /// <summary>Of <see cref="Kind.Subscribe"/>.</summary>
    public Subscribing Subscribing => (Subscribing)_first!;

    /// <summary>Of <see cref="Kind.Located"/> and <see cref="Kind.HistoryRead"/>.</summary>
    public RoomHistory History => (RoomHistory)_first!;

    /// <summary>Of <see cref="Kind.HistoryNotRead"/>.</summary>
    public Exception Error => (Exception)_first!;

    /// <summary>Of <see cref="Kind.NotStored"/> and <see cref="Kind.MaybeStored"/>.</summary>
    public PendingPublish Publish => (PendingPublish)_first!;

    /// <summary>Of <see cref="Kind.Skipped"/>.</summary>
    public StreamPosition Position => (StreamPosition)_first!;

    /// <summary>A publication was announced.</summary>
    public static RoomEvent Announced(Publication publication, string epoch) => new(Kind.Announced, publication, epoch);

    /// <summary>A member joined or left, on any node.</summary>
    public static RoomEvent PresenceChanged(RoomMember member, bool hasJoined) => new(hasJoined ? Kind.Joined : Kind.Left, member);

    /// <summary>A listener subscribes.</summary>
    public static RoomEvent Subscribe(Subscribing subscribing) => new(Kind.Subscribe, subscribing);

    /// <summary>The top of the history as it was after the room was subscribed to.</summary>
    public static RoomEvent Located(RoomHistory top) => new(Kind.Located, top);

    /// <summary>The history was read.</summary>
    public static RoomEvent HistoryRead(RoomHistory history) => new(Kind.HistoryRead, history);

    /// <summary>The history could not be read.</summary>
    public static RoomEvent HistoryNotRead(Exception error) => new(Kind.HistoryNotRead, error);

    /// <summary>A publish of this node has failed; it is not stored, or that is unknown.</summary>
    public static RoomEvent PublishFailed(PendingPublish publish, bool isUnknown)
        => new(isUnknown ? Kind.MaybeStored : Kind.NotStored, publish);

    /// <summary>This node has skipped an offset for publications that it has delivered without one.</summary>
    public static RoomEvent Skipped(StreamPosition position) => new(Kind.Skipped, position);
}
