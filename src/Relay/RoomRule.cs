namespace Weir.Relay;

/// <summary>How the rooms of one pattern are kept. Immutable.</summary>
public sealed record RoomRule
{
    /// <summary>The rule of a room that no pattern names: nothing kept.</summary>
    public static RoomRule Default { get; } = new();

    /// <summary>A glob over the room's name, case matters: <c>*</c> any run of characters, <c>?</c> one. Default <c>*</c>.</summary>
    public string Pattern { get; init; } = "*";

    /// <summary>The most publications kept; default 0: no history, and publications have no number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int HistorySize { get; init => field = OptionRange.Number(value, 0, int.MaxValue); }

    /// <summary>How long a room's history outlives its last publication; default 5 minutes. Zero: for ever.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 3,650 days.</exception>
    public TimeSpan HistoryTtl { get; init => field = OptionRange.Duration(value, TimeSpan.Zero, OptionRange.LongestKept); } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Whether the message of a raw member must be stored by the broker to count: if it is not, its sender is closed with 1013,
    /// instead of the message being announced without a number, or reaching the members of this node only. Default false. A
    /// publish that gets an answer must be stored in any room.
    /// </summary>
    public bool Durable { get; init; }

    /// <summary>Whether it is noted who is present, and joins and leaves are announced; default false.</summary>
    public bool Presence { get; init; }

    /// <summary>Who may listen; default <see cref="RoomAccess.Granted"/>. Only looked at where clients are known by tokens.</summary>
    public RoomAccess Access { get; init; }

    /// <summary>Who may publish, besides back ends by the HTTP API; default <see cref="RoomPublishing.Members"/>.</summary>
    public RoomPublishing Publish { get; init; }

    /// <summary>Whether the room has history.</summary>
    public bool KeepsHistory => HistorySize > 0;
}
