using Weir.Relay.Wire;

namespace Weir.Brokers.Postgres.Wire;

/// <summary>A message from node to node. <code>kind, sender, receiver or nothing for all others, message</code></summary>
internal static class ControlBody
{
    public static byte[] Encode(string sender, string? receiver, ReadOnlyMemory<byte> message)
    {
        byte[] bytes = new byte[1 + FieldWriter.SizeOf(sender) + FieldWriter.SizeOf(receiver ?? "") + message.Length];
        FieldWriter writer = new(bytes);
        writer.WriteByte((byte)AnnouncementKind.Control);
        writer.Write(sender);
        writer.Write(receiver ?? "");
        writer.WriteRest(message);
        return bytes;
    }

    /// <summary>Returns whether the message is for the node; <paramref name="isValid"/> is <c>false</c> if it cannot be read.</summary>
    public static bool IsFor(string node, ReadOnlyMemory<byte> afterKind, out ReadOnlyMemory<byte> message, out bool isValid)
    {
        FieldReader reader = new(afterKind);
        isValid = reader.TryReadText(out string sender) & reader.TryReadText(out string receiver);
        message = reader.ReadRest();
        return isValid && (receiver.Length == 0 ? sender != node : receiver == node);
    }
}
