using System.Buffers;
using System.Text.Json;

namespace Weir.Relay.Api;

/// <summary>The common parts of answers, those of the API and those of Centrifugo's client protocol.</summary>
internal static class ApiAnswer
{
    private static readonly SearchValues<byte> _lineBreaks = SearchValues.Create("\r\n"u8);

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

    /// <summary>
    /// Writes a property that is JSON already, on one line; writes no property if the value is empty, or not valid by
    /// <see cref="JsonText"/>.
    /// </summary>
    public static void WriteJson(Utf8JsonWriter json, string name, ReadOnlyMemory<byte> value)
    {
        if (value.Length > 0 && JsonText.IsValid(value.Span))
        {
            json.WritePropertyName(name);
            WriteOnOneLine(json, value.Span);
        }
    }

    /// <summary>
    /// Writes JSON verbatim, but on one line: a line break would end a message of Centrifugo's protocol. In JSON it only occurs between
    /// tokens, where a space means the same.
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
