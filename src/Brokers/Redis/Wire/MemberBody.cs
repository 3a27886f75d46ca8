using Weir.Relay.Brokers;

namespace Weir.Brokers.Redis.Wire;

/// <summary>A present client: an entry of the hash of members, and the body of announced joins and leaves.
/// <code>version, client, user, connection info, room info</code>
/// </summary>
internal static class MemberBody
{
    private const byte Version = 1;

    public static byte[] Encode(RoomMember member)
    {
        byte[] bytes = new byte[1
            + ByteWriter.SizeOf(member.Client)
            + ByteWriter.SizeOf(member.User)
            + ByteWriter.SizeOf(member.ConnectionInfo)
            + member.RoomInfo.Length];
        ByteWriter writer = new(bytes);
        writer.WriteByte(Version);
        writer.Write(member.Client);
        writer.Write(member.User);
        writer.Write(member.ConnectionInfo);
        writer.WriteRest(member.RoomInfo);
        return bytes;
    }

    public static bool TryRead(ReadOnlyMemory<byte> body, out RoomMember? member)
    {
        member = null;
        ByteReader reader = new(body);
        if (!reader.TryReadByte(out byte version) || version != Version
            || !reader.TryReadText(out string client)
            || !reader.TryReadText(out string user)
            || !reader.TryReadField(out ReadOnlyMemory<byte> connectionInfo))
        {
            return false;
        }

        member = new RoomMember(client, user, connectionInfo, reader.ReadRest());
        return true;
    }
}
