using System.Buffers;
using System.Text.Json;
using Weir.Relay;
using Weir.Relay.Api;

namespace Weir.Centrifugo.Protocol;

/// <summary>
/// A publication as an object of the protocol. Members of raw rooms may send anything, and the protocol's data is JSON: text
/// that is JSON goes in verbatim, other text as a string of it, bytes as a string in base64 with a tag that says so.
/// </summary>
internal static class PublicationFormat
{
    private static readonly SearchValues<byte> _lineBreaks = SearchValues.Create("\r\n"u8);

    public static void Write(Utf8JsonWriter json, Publication publication)
    {
        json.WriteStartObject();
        if (publication.Kind == MessageKind.Binary)
        {
            json.WriteBase64String("data"u8, publication.Data.Span);
            json.WriteStartObject("tags"u8);
            json.WriteString("encoding"u8, "base64"u8);
            json.WriteEndObject();
        }
        else if (ApiAnswer.IsJson(publication.Data.Span))
        {
            json.WritePropertyName("data"u8);
            WriteOnOneLine(json, publication.Data.Span);
        }
        else
        {
            json.WriteString("data"u8, publication.Data.Span);
        }

        if (publication.Offset > 0)
        {
            json.WriteNumber("offset"u8, publication.Offset);
        }

        if (publication.Info.Length > 0 && ApiAnswer.IsJson(publication.Info.Span))
        {
            json.WritePropertyName("info"u8);
            WriteOnOneLine(json, publication.Info.Span);
        }

        json.WriteEndObject();
    }

    /// <summary>
    /// Writes JSON verbatim, but on one line: a line break would end the message. In JSON it only stands between tokens,
    /// where a space means the same.
    /// </summary>
    public static void WriteOnOneLine(Utf8JsonWriter json, ReadOnlySpan<byte> value)
    {
        int at = value.IndexOfAny(_lineBreaks);
        if (at < 0)
        {
            json.WriteRawValue(value, skipInputValidation: true);
            return;
        }

        byte[] line = ArrayPool<byte>.Shared.Rent(value.Length);
        value.CopyTo(line);
        for (int i = at; i < value.Length; i++)
        {
            line[i] = line[i] is (byte)'\r' or (byte)'\n' ? (byte)' ' : line[i];
        }

        json.WriteRawValue(line.AsSpan(0, value.Length), skipInputValidation: true);
        ArrayPool<byte>.Shared.Return(line);
    }
}
