using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Weir.Protocol;
using Weir.Relay.Brokers;

namespace Weir.Relay.Streams;

/// <summary>The text of the stream: events and ids. See the HTML standard, section 9.2.</summary>
internal static class SseFormat
{
    private static readonly byte[] _binary = "event: binary\n"u8.ToArray();

    /// <summary>
    /// The part of an event that is the same for every stream: everything except its id. Text is split into lines, as a carriage return or
    /// a line feed ends a field; binary is in base64, as event <c>binary</c>.
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

    /// <summary>A stream of one room names its position, <c>epoch:offset</c>; for one of several see <see cref="SseId"/>.</summary>
    public static byte[] Id(StreamPosition position)
        => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"id: {position.Epoch}:{position.Offset}\n"));

    /// <summary>Notifies that publications of a room are lost, and at which position it continues.</summary>
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

    /// <summary>The response to a client that cannot be served now, as a whole stream: the reason, and the reconnection time.</summary>
    public static byte[] Later(string why, TimeSpan after) => [.. Encoding.UTF8.GetBytes($": {why}\n"), .. Retry(after)];

    /// <summary>
    /// The end of a stream whose client must not reconnect: an event for a page with code of its own, which would close its EventSource,
    /// and for all others the longest time that a timer accepts, 24.8 days. A stream has no other way to stop a browser.
    /// </summary>
    public static byte[] Final(CloseCode code, string reason)
    {
        ArrayBufferWriter<byte> body = new();
        body.Write("event: disconnect\ndata: "u8);
        using (Utf8JsonWriter json = new(body))
        {
            json.WriteStartObject();
            json.WriteNumber("code", (int)code);
            json.WriteString("reason", reason);
            json.WriteEndObject();
        }

        body.Write("\n"u8);
        body.Write(Retry(TimeSpan.FromMilliseconds(int.MaxValue)));
        return body.WrittenSpan.ToArray();
    }

    /// <summary>The reconnection time.</summary>
    public static byte[] Retry(TimeSpan after)
        => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"retry: {(long)after.TotalMilliseconds}\n\n"));
}
