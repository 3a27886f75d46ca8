using System.Text;
using Weir.Brokers.Postgres.Wire;
using Weir.Relay.Brokers;
using Weir.Relay.Wire;

namespace Weir.Brokers.Postgres.Calls;

/// <summary>An announcement without an offset; its result is the number of the batch that it was in.</summary>
internal sealed class PlainCall : Call<long>
{
    /// <param name="room">The room; empty if it belongs to none.</param>
    /// <param name="body">Begins with the kind.</param>
    public PlainCall(string room, byte[] body)
    {
        Room = room;
        Body = body;
        RoomName = Encoding.UTF8.GetBytes(room);
    }

    public string Room { get; }

    public byte[] RoomName { get; }

    public byte[] Body { get; }

    public override int Size => Body.Length + 64;

    public static PlainCall Of(string room, Publication publication)
        => new(room, PublicationBody.Encode(publication, [(byte)AnnouncementKind.Publication]));

    public static PlainCall Probe() => new("", [(byte)AnnouncementKind.Probe]);

    /// <summary>Ends the call.</summary>
    public new void Finish(long number) => base.Finish(number);
}
