using Weir.Brokers.Nats.Wire;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Presence;

/// <summary>
/// The clients of a room that fall into one bucket, each with the time until which it counts, in ms of the server's clock: the last
/// message of a subject. <code>1 7, then for each client: until (8 bytes), length, member</code>
/// </summary>
internal static class PresenceDocument
{
    public static ReadOnlyMemory<byte> Encode(IEnumerable<PresentClient> clients)
    {
        RecordWriter writer = new(MessageType.Presence);
        foreach (PresentClient client in clients)
        {
            writer.Write(client.Until);
            writer.WriteField(client.Body);
        }

        return writer.Written;
    }

    /// <exception cref="InvalidDataException">It is not such a message.</exception>
    public static List<PresentClient> Read(ReadOnlyMemory<byte> message)
    {
        RecordReader reader = new(message);
        if (!reader.TryBegin(out MessageType type) || type != MessageType.Presence)
        {
            throw new InvalidDataException("The message is of another version or type.");
        }

        List<PresentClient> clients = [];
        while (!reader.IsAtEnd)
        {
            long until = reader.ReadInt64();
            ReadOnlyMemory<byte> body = reader.ReadField();
            clients.Add(new PresentClient(Bodies.ReadMember(body), body.ToArray(), until));
        }

        return clients;
    }
}

/// <summary>A client in a <see cref="PresenceDocument"/>.</summary>
internal sealed record PresentClient(RoomMember Member, byte[] Body, long Until);
