using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Wire;

/// <summary>A present client. <code>client, user, connection info, room info</code></summary>
internal static class MemberBody
{
    public static byte[] Encode(RoomMember member)
    {
        RecordWriter writer = new(member.ConnectionInfo.Length + member.RoomInfo.Length + 64);
        writer.Write(member.Client);
        writer.Write(member.User);
        writer.WriteField(member.ConnectionInfo.Span);
        writer.WriteRest(member.RoomInfo.Span);
        return writer.Written.ToArray();
    }

    /// <exception cref="InvalidDataException">It is not a member.</exception>
    public static RoomMember Read(ReadOnlyMemory<byte> body)
    {
        RecordReader reader = new(body);
        return new RoomMember(reader.ReadText(), reader.ReadText(), reader.ReadField(), reader.ReadRest());
    }
}
