using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Weir.Relay.Brokers;

namespace Weir.Relay.Json;

/// <summary>Presence as JSON, in the form that the API and Centrifugo's client protocol have in common. Thread-safe.</summary>
[Experimental("WEIR001")]
public static class PresenceJson
{
    /// <summary>Writes <c>{"presence":{CLIENT:MEMBER,...}}</c>.</summary>
    public static void WritePresence(Utf8JsonWriter json, IReadOnlyList<RoomMember> members)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(members);
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

    /// <summary>Writes <c>{"num_clients":N,"num_users":M}</c>; anonymous clients are one user.</summary>
    public static void WritePresenceStats(Utf8JsonWriter json, IReadOnlyList<RoomMember> members)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(members);
        json.WriteStartObject();
        json.WriteNumber("num_clients", members.Count);
        json.WriteNumber("num_users", members.Select(static member => member.User).Distinct(StringComparer.Ordinal).Count());
        json.WriteEndObject();
    }

    /// <summary>
    /// Writes <c>{"client":ID,"user":ID}</c>, with <c>conn_info</c> and <c>chan_info</c> unless they are empty or no valid JSON.
    /// </summary>
    public static void WriteMember(Utf8JsonWriter json, RoomMember member)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(member);
        json.WriteStartObject();
        json.WriteString("client", member.Client);
        json.WriteString("user", member.User);
        JsonText.WriteProperty(json, "conn_info", member.ConnectionInfo);
        JsonText.WriteProperty(json, "chan_info", member.RoomInfo);
        json.WriteEndObject();
    }
}
