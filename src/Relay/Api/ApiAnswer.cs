using System.Text.Json;

namespace Weir.Relay.Api;

/// <summary>The frame of every answer: a result or an error.</summary>
internal static class ApiAnswer
{
    public static void WriteError(Utf8JsonWriter json, ApiError error)
    {
        json.WriteStartObject("error");
        json.WriteNumber("code", error.Code);
        json.WriteString("message", error.Message);
        json.WriteEndObject();
    }
}
