using Weir.Relay.Brokers;
using Weir.Relay.Wire;

namespace Weir.Brokers.Postgres.Calls;

/// <summary>A publication that is numbered and stored, or an offset that is skipped, or a room that is only opened.</summary>
internal sealed class PublishCall : Call<StreamPosition>
{
    private PublishCall(string room, RoomRule rule, Publication? publication)
    {
        Room = room;
        Rule = rule;
        Publication = publication;
        Body = publication is null ? null : PublicationBody.Encode(publication);
    }

    public string Room { get; }

    public RoomRule Rule { get; }

    /// <summary><c>null</c> for an offset without a publication.</summary>
    public Publication? Publication { get; }

    /// <summary><c>null</c> for an offset without a publication.</summary>
    public byte[]? Body { get; }

    /// <summary>Whether only the room's epoch is fixed.</summary>
    public bool IsOpening { get; private init; }

    /// <summary>Whether it only shows that the lane works.</summary>
    public bool IsProbe { get; private init; }

    /// <summary>Set before it is announced.</summary>
    public StreamPosition Position { get; set; }

    public override int Size => (Body?.Length ?? 0) + 64;

    public static PublishCall Of(string room, Publication publication, RoomRule rule) => new(room, rule, publication);

    public static PublishCall Skip(string room, RoomRule rule) => new(room, rule, publication: null);

    public static PublishCall Open(string room, RoomRule rule) => new(room, rule, publication: null) { IsOpening = true };

    public static PublishCall Probe() => new("", RoomRule.Default, publication: null) { IsProbe = true };

    /// <summary>Ends the call with <see cref="Position"/>.</summary>
    public void Finish() => Finish(Position);
}
