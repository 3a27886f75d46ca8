using Weir.Relay.Brokers;

namespace Weir.Brokers.Postgres.Wire;

/// <summary>A present client. <code>version, client, user, connection info, room info</code></summary>
internal static class MemberBody
{
    private const byte Version = 1;

    public static byte[] Encode(RoomMember member)
    {
        byte[] bytes = new byte[1
            + FieldWriter.SizeOf(member.Client)
            + FieldWriter.SizeOf(member.User)
            + FieldWriter.SizeOf(member.ConnectionInfo)
            + member.RoomInfo.Length];
        FieldWriter writer = new(bytes);
        writer.WriteByte(Version);
        writer.Write(member.Client);
        writer.Write(member.User);
        writer.Write(member.ConnectionInfo);
        writer.WriteLast(member.RoomInfo);
        return bytes;
    }

    public static bool TryRead(ReadOnlyMemory<byte> body, out RoomMember? member)
    {
        member = null;
        FieldReader reader = new(body);
        if (!reader.TryReadByte(out byte version) || version != Version
            || !reader.TryRead(out string client)
            || !reader.TryRead(out string user)
            || !reader.TryRead(out ReadOnlyMemory<byte> connectionInfo))
        {
            return false;
        }

        member = new RoomMember(client, user, connectionInfo, reader.Rest);
        return true;
    }
}
