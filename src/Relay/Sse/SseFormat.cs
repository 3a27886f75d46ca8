using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Weir.Relay.Sse;

/// <summary>The text of the stream: events, ids, and ids read back. See the HTML standard, section 9.2.</summary>
internal static class SseFormat
{
    private static readonly byte[] _binary = "event: binary\n"u8.ToArray();

    /// <summary>
    /// The part of an event that is the same for every stream: everything but its id. Text is cut into lines, as a carriage
    /// return or a line feed ends a field; binary is in base64, as event <c>binary</c>.
    /// </summary>
    public static byte[] Body(Publication publication)
    {
        ArrayBufferWriter<byte> body = new(publication.Data.Length + 32);
        if (publication.Kind == MessageKind.Binary)
        {
            body.Write(_binary);
            body.Write("data: "u8);
            Span<byte> encoded = body.GetSpan(Base64.GetMaxEncodedToUtf8Length(publication.Data.Length));
            Base64.EncodeToUtf8(publication.Data.Span, encoded, out _, out int written);
            body.Advance(written);
            body.Write("\n\n"u8);
            return body.WrittenSpan.ToArray();
        }

        ReadOnlySpan<byte> rest = publication.Data.Span;
        while (true)
        {
            int end = rest.IndexOfAny((byte)'\n', (byte)'\r');
            body.Write("data: "u8);
            body.Write(end < 0 ? rest : rest[..end]);
            body.Write("\n"u8);
            if (end < 0)
            {
                break;
            }

            bool isPair = rest[end] == '\r' && end + 1 < rest.Length && rest[end + 1] == '\n';
            rest = rest[(end + (isPair ? 2 : 1))..];
        }

        body.Write("\n"u8);
        return body.WrittenSpan.ToArray();
    }

    /// <summary>A stream of one room names its position, <c>epoch:offset</c>.</summary>
    public static byte[] Id(StreamPosition position)
        => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"id: {position.Epoch}:{position.Offset}\n"));

    /// <summary>
    /// A stream of several rooms names which of them spoke, by its place in the request, and the positions of all: a client
    /// has one last id only.
    /// </summary>
    public static byte[] Id(int room, ReadOnlySpan<StreamPosition> positions)
    {
        StringBuilder id = new("id: ");
        id.Append(CultureInfo.InvariantCulture, $"{room};");
        for (int i = 0; i < positions.Length; i++)
        {
            id.Append(CultureInfo.InvariantCulture, $"{(i == 0 ? "" : ",")}{positions[i].Epoch}:{positions[i].Offset}");
        }

        return Encoding.UTF8.GetBytes(id.Append('\n').ToString());
    }

    /// <summary>
    /// Reads the id back. A room for which it names no position has none: the broker had none to give.
    /// </summary>
    /// <returns>False when it is not an id of so many rooms.</returns>
    public static bool TryParseId(string text, Span<StreamPosition?> positions)
    {
        if (positions.Length > 1)
        {
            int room = text.IndexOf(';', StringComparison.Ordinal);
            if (room < 0)
            {
                return false;
            }

            text = text[(room + 1)..];
        }

        string[] parts = text.Split(',');
        if (parts.Length != positions.Length)
        {
            return false;
        }

        for (int i = 0; i < parts.Length; i++)
        {
            int colon = parts[i].LastIndexOf(':');
            if (colon < 0
                || !long.TryParse(parts[i].AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long offset))
            {
                return false;
            }

            positions[i] = colon == 0 ? null : new StreamPosition(parts[i][..colon], offset);
        }

        return true;
    }

    /// <summary>Tells that publications of a room are lost, and from where it goes on.</summary>
    public static byte[] Lost(string room, string reason, StreamPosition now)
    {
        ArrayBufferWriter<byte> body = new();
        body.Write("event: lost\ndata: "u8);
        using (Utf8JsonWriter json = new(body))
        {
            json.WriteStartObject();
            json.WriteString("room", room);
            json.WriteString("reason", reason);
            json.WriteString("epoch", now.Epoch);
            json.WriteNumber("offset", now.Offset);
            json.WriteEndObject();
        }

        body.Write("\n\n"u8);
        return body.WrittenSpan.ToArray();
    }

    /// <summary>When to come back.</summary>
    public static byte[] Retry(TimeSpan after)
        => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"retry: {(long)after.TotalMilliseconds}\n\n"));
}
