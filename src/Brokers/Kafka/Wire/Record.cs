using Weir.Relay.Brokers;
using Weir.Relay.Wire;

namespace Weir.Brokers.Kafka.Wire;

/// <summary>The values of records: a byte for the version, one for the <see cref="RecordKind"/>, and the fields of the kind.</summary>
/// <remarks>
/// <code>
/// Publication                  PublicationBody; its room is the record's key
/// Present, StillPresent        lifetime in ms, room, MemberBody
/// Absent                       room, client
/// Control                      sender, receiver (empty: all others), message
/// Probe                        sender, number
/// PresenceQuery                sender
/// </code>
/// Other versions and kinds are ignored, so that nodes of different versions can share a topic. Only a publication has a key: a room's
/// partition is chosen by its name, and presence has the name in its value.
/// </remarks>
internal static class Record
{
    public const byte Version = 1;

    public static byte[] OfPublication(Publication publication)
        => PublicationBody.Encode(publication, [Version, (byte)RecordKind.Publication]);

    public static byte[] OfPresent(RecordKind kind, string room, RoomMember member, TimeSpan lifetime)
    {
        byte[] bytes = new byte[2 + sizeof(long) + FieldWriter.SizeOf(room) + MemberBody.SizeOf(member)];
        FieldWriter writer = Begin(bytes, kind);
        writer.WriteInt64((long)lifetime.TotalMilliseconds);
        writer.Write(room);
        MemberBody.Write(ref writer, member);
        return bytes;
    }

    public static bool TryReadPresent(ReadOnlyMemory<byte> body, out string room, out RoomMember? member, out TimeSpan lifetime)
    {
        FieldReader reader = new(body);
        room = "";
        member = null;
        lifetime = default;
        if (!reader.TryReadInt64(out long milliseconds) || milliseconds < 0 || milliseconds > TimeSpan.MaxValue.TotalMilliseconds / 2
            || !reader.TryReadText(out room)
            || !MemberBody.TryRead(reader.ReadRest(), out member))
        {
            return false;
        }

        lifetime = TimeSpan.FromMilliseconds(milliseconds);
        return true;
    }

    public static byte[] OfAbsent(string room, string client)
    {
        byte[] bytes = new byte[2 + FieldWriter.SizeOf(room) + FieldWriter.SizeOf(client)];
        FieldWriter writer = Begin(bytes, RecordKind.Absent);
        writer.Write(room);
        writer.Write(client);
        return bytes;
    }

    public static bool TryReadAbsent(ReadOnlyMemory<byte> body, out string room, out string client)
    {
        FieldReader reader = new(body);
        client = "";
        return reader.TryReadText(out room) && reader.TryReadText(out client);
    }

    public static byte[] OfControl(string sender, string? receiver, ReadOnlyMemory<byte> message)
    {
        byte[] bytes = new byte[2 + FieldWriter.SizeOf(sender) + FieldWriter.SizeOf(receiver ?? "") + message.Length];
        FieldWriter writer = Begin(bytes, RecordKind.Control);
        writer.Write(sender);
        writer.Write(receiver ?? "");
        writer.WriteRest(message);
        return bytes;
    }

    public static bool TryReadControl(
        ReadOnlyMemory<byte> body, out string sender, out string receiver, out ReadOnlyMemory<byte> message)
    {
        FieldReader reader = new(body);
        receiver = "";
        bool isThere = reader.TryReadText(out sender) && reader.TryReadText(out receiver);
        message = reader.ReadRest();
        return isThere;
    }

    public static byte[] OfProbe(string sender, long number)
    {
        byte[] bytes = new byte[2 + FieldWriter.SizeOf(sender) + sizeof(long)];
        FieldWriter writer = Begin(bytes, RecordKind.Probe);
        writer.Write(sender);
        writer.WriteInt64(number);
        return bytes;
    }

    public static bool TryReadProbe(ReadOnlyMemory<byte> body, out string sender, out long number)
    {
        FieldReader reader = new(body);
        number = 0;
        return reader.TryReadText(out sender) && reader.TryReadInt64(out number);
    }

    public static byte[] OfPresenceQuery(string sender)
    {
        byte[] bytes = new byte[2 + FieldWriter.SizeOf(sender)];
        FieldWriter writer = Begin(bytes, RecordKind.PresenceQuery);
        writer.Write(sender);
        return bytes;
    }

    public static bool TryReadPresenceQuery(ReadOnlyMemory<byte> body, out string sender)
        => new FieldReader(body).TryReadText(out sender);

    private static FieldWriter Begin(byte[] bytes, RecordKind kind)
    {
        FieldWriter writer = new(bytes);
        writer.WriteByte(Version);
        writer.WriteByte((byte)kind);
        return writer;
    }
}
