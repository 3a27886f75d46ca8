using Weir.Relay.Brokers;
using Weir.Relay.Wire;

namespace Weir.Brokers.Nats.Wire;

/// <summary>Publications and members that are fields of a message, which is not valid without them.</summary>
internal static class Bodies
{
    /// <exception cref="InvalidDataException">It is not a publication.</exception>
    public static Publication ReadPublication(ReadOnlyMemory<byte> body, long offset)
        => PublicationBody.TryRead(body, offset, out Publication? publication) ? publication
            : throw new InvalidDataException("A publication of the message cannot be read.");

    /// <exception cref="InvalidDataException">It is not a member.</exception>
    public static RoomMember ReadMember(ReadOnlyMemory<byte> body)
        => MemberBody.TryRead(body, out RoomMember? member) ? member
            : throw new InvalidDataException("A member of the message cannot be read.");
}
