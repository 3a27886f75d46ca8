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
        else if (JsonText.IsValid(publication.Data.Span))
        {
            json.WritePropertyName("data"u8);
            ApiAnswer.WriteOnOneLine(json, publication.Data.Span);
        }
        else
        {
            json.WriteString("data"u8, publication.Data.Span);
        }

        if (publication.Offset > 0)
        {
            json.WriteNumber("offset"u8, publication.Offset);
        }

        ApiAnswer.WriteJson(json, "info", publication.Info);
        json.WriteEndObject();
    }
}
