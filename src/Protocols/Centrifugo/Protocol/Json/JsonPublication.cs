using System.Text.Json;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Relay.Json;

namespace Weir.Protocols.Centrifugo.Protocol.Json;

/// <summary>
/// A publication as an object of the protocol. Raw members may send any data, and the protocol's data is JSON: text that is
/// JSON is written verbatim, other text as a JSON string, bytes as a base64 string with the tag <c>encoding</c>.
/// </summary>
internal static class JsonPublication
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
            JsonText.WriteOnOneLine(json, publication.Data.Span);
        }
        else
        {
            json.WriteString("data"u8, publication.Data.Span);
        }

        if (publication.Offset > 0)
        {
            json.WriteNumber("offset"u8, publication.Offset);
        }

        JsonText.WriteProperty(json, "info", publication.Info);
        json.WriteEndObject();
    }
}
