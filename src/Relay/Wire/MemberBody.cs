using System.Diagnostics.CodeAnalysis;
using Weir.Relay.Brokers;

namespace Weir.Relay.Wire;

/// <summary>A present client as brokers store and announce it. <code>version, client, user, connection info, room info</code></summary>
[Experimental("WEIR001")]
public static class MemberBody
{
    private const byte Version = 1;

    /// <summary>Encodes a member.</summary>
    public static byte[] Encode(RoomMember member)
    {
        byte[] bytes = new byte[SizeOf(member)];
        FieldWriter writer = new(bytes);
        Write(ref writer, member);
        return bytes;
    }

    /// <summary>The size of a member in bytes.</summary>
    public static int SizeOf(RoomMember member)
    {
        ArgumentNullException.ThrowIfNull(member);
        return 1
            + FieldWriter.SizeOf(member.Client)
            + FieldWriter.SizeOf(member.User)
            + FieldWriter.SizeOf(member.ConnectionInfo)
            + member.RoomInfo.Length;
    }

    /// <summary>Writes a member as the last field of a message.</summary>
    public static void Write(ref FieldWriter writer, RoomMember member)
    {
        ArgumentNullException.ThrowIfNull(member);
        writer.WriteByte(Version);
        writer.Write(member.Client);
        writer.Write(member.User);
        writer.Write(member.ConnectionInfo);
        writer.WriteRest(member.RoomInfo);
    }

    /// <summary>Reads a member; returns <c>false</c> if the bytes are none, or of another version.</summary>
    /// <param name="body">Kept by the member, so it must not be written to any more.</param>
    /// <param name="member">The result; <c>null</c> if there is none.</param>
    public static bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out RoomMember? member)
    {
        member = null;
        FieldReader reader = new(body);
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
