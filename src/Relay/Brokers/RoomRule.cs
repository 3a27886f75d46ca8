using Weir.Validation;

namespace Weir.Relay.Brokers;

/// <summary>The settings of the rooms of one pattern. Immutable.</summary>
public sealed record RoomRule
{
    /// <summary>The rule of a room that no pattern matches: no history, no presence.</summary>
    public static RoomRule Default { get; } = new();

    /// <summary>A glob over the room's name, case-sensitive: <c>*</c> any characters, <c>?</c> one. Default <c>*</c>.</summary>
    public string Pattern { get; init; } = "*";

    /// <summary>The most publications kept; default 0: no history, and publications have no offset.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int HistorySize { get; init => field = OptionRange.Number(value, 0, int.MaxValue); }

    /// <summary>How long a room's history outlives its last publication; default 5 minutes. Zero: indefinitely.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 3,650 days.</exception>
    public TimeSpan HistoryTtl { get; init => field = OptionRange.Duration(value, TimeSpan.Zero, OptionRange.LongestKept); }
        = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Whether the message of a raw member counts only if the broker stores it: if not, its sender is closed with 1013, instead of the
    /// message being announced without an offset, or reaching the members of this node only. Default false. A publish that gets an answer
    /// must be stored in any room.
    /// </summary>
    public bool Durable { get; init; }

    /// <summary>Whether presence is kept, and joins and leaves are announced; default false.</summary>
    public bool Presence { get; init; }

    /// <summary>Which clients may subscribe; default <see cref="RoomAccess.Granted"/>. Used only if clients have tokens.</summary>
    public RoomAccess Access { get; init; }

    /// <summary>Which clients may publish, besides back ends by the HTTP API; default <see cref="RoomPublishing.Members"/>.</summary>
    public RoomPublishing Publish { get; init; }

    /// <summary>
    /// The broker that carries the rooms, by its name in a <see cref="RoutingBroker"/>; default <c>null</c>: the main one. Without a
    /// <see cref="RoutingBroker"/> it has no effect.
    /// </summary>
    public string? Broker { get; init; }

    /// <summary>Whether the room has history.</summary>
    public bool KeepsHistory => HistorySize > 0;
}
