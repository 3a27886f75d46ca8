using System.Text.Json;

namespace Weir.Relay.Api;

/// <summary>What answers have in common, those of the API and those of Centrifugo's client protocol.</summary>
internal static class ApiAnswer
{
    public static void WriteError(Utf8JsonWriter json, ApiError error)
    {
        json.WriteStartObject("error");
        json.WriteNumber("code", error.Code);
        json.WriteString("message", error.Message);
        json.WriteEndObject();
    }

    public static void WritePresence(Utf8JsonWriter json, IReadOnlyList<RoomMember> members)
    {
        json.WriteStartObject();
        json.WriteStartObject("presence");
        foreach (RoomMember member in members)
        {
            json.WritePropertyName(member.Client);
            WriteMember(json, member);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    public static void WritePresenceStats(Utf8JsonWriter json, IReadOnlyList<RoomMember> members)
    {
        json.WriteStartObject();
        json.WriteNumber("num_clients", members.Count);
        json.WriteNumber("num_users", members.Select(static member => member.User).Distinct(StringComparer.Ordinal).Count());
        json.WriteEndObject();
    }

    public static void WriteMember(Utf8JsonWriter json, RoomMember member)
    {
        json.WriteStartObject();
        json.WriteString("client", member.Client);
        json.WriteString("user", member.User);
        WriteJson(json, "conn_info", member.ConnectionInfo);
        WriteJson(json, "chan_info", member.RoomInfo);
        json.WriteEndObject();
    }

    /// <summary>Writes a property that is JSON already; nothing where there is none, or it is no JSON.</summary>
    public static void WriteJson(Utf8JsonWriter json, string name, ReadOnlyMemory<byte> value)
    {
        if (value.Length > 0 && IsJson(value.Span))
        {
            json.WritePropertyName(name);
            json.WriteRawValue(value.Span, skipInputValidation: true);
        }
    }

    public static bool IsJson(ReadOnlySpan<byte> text)
    {
        Utf8JsonReader reader = new(text);
        try
        {
            if (!reader.Read())
            {
                return false;
            }

            reader.Skip();
            return !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
