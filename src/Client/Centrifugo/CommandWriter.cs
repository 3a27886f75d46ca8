using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using Weir.Client.Events;

namespace Weir.Client.Centrifugo;

/// <summary>Writes the client's commands, one JSON object per frame.</summary>
internal static class CommandWriter
{
    private static readonly JsonReaderOptions _anyDepth = new() { MaxDepth = int.MaxValue };

    /// <summary>Rejects data that is not JSON when the option is set, not when it is sent. Empty data is accepted.</summary>
    /// <exception cref="ArgumentException">The data is not JSON.</exception>
    public static void CheckData(ReadOnlyMemory<byte> data, string name)
    {
        try
        {
            if (!data.IsEmpty)
            {
                CheckJson(data);
            }
        }
        catch (JsonException error)
        {
            throw new ArgumentException($"{name} is not JSON: {error.Message}", name, error);
        }
    }

    /// <summary>The answer to a ping.</summary>
    public static readonly ReadOnlyMemory<byte> Pong = "{}"u8.ToArray();

    /// <param name="id">The command's number.</param>
    /// <param name="token">The token; <c>null</c> if there is none.</param>
    /// <param name="settings">Name and data of the client.</param>
    /// <param name="serverPositions">The client's positions in its server-side subscriptions.</param>
    public static ReadOnlyMemory<byte> Connect(
        uint id,
        string? token,
        ProtocolSettings settings,
        IReadOnlyList<KeyValuePair<string, ClientStreamPosition>>? serverPositions = null) => Write(id, "connect"u8, json =>
    {
        WriteToken(json, token);
        WriteData(json, settings.ConnectData);
        json.WriteString("name"u8, settings.Name);
        if (serverPositions is not { Count: > 0 })
        {
            return;
        }

        json.WriteStartObject("subs"u8);
        foreach ((string channel, ClientStreamPosition position) in serverPositions)
        {
            json.WriteStartObject(channel);
            WriteSince(json, position);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    });

    public static ReadOnlyMemory<byte> Subscribe(
        uint id,
        string channel,
        string? token,
        SubscribeSettings settings,
        ClientStreamPosition? since) => Write(id, "subscribe"u8, json =>
    {
        json.WriteString("channel"u8, channel);
        WriteToken(json, token);
        WriteData(json, settings.Data);
        if (settings.Recoverable)
        {
            json.WriteBoolean("recoverable"u8, true);
            json.WriteBoolean("positioned"u8, true);
        }

        if (settings.JoinLeave)
        {
            json.WriteBoolean("join_leave"u8, true);
        }

        if (since is { } position)
        {
            WriteSince(json, position);
        }
    });

    public static ReadOnlyMemory<byte> Channel(uint id, ReadOnlySpan<byte> method, string channel)
        => Write(id, method, json => json.WriteString("channel"u8, channel));

    public static ReadOnlyMemory<byte> Publish(uint id, string channel, ReadOnlyMemory<byte> data) => Write(id, "publish"u8, json =>
    {
        json.WriteString("channel"u8, channel);
        WriteJson(json, "data"u8, data);
    });

    public static ReadOnlyMemory<byte> Rpc(uint id, string method, ReadOnlyMemory<byte> data) => Write(id, "rpc"u8, json =>
    {
        json.WriteString("method"u8, method);
        WriteData(json, data);
    });

    public static ReadOnlyMemory<byte> History(
        uint id, string channel, int limit, ClientStreamPosition? since, bool reverse) => Write(id, "history"u8, json =>
    {
        json.WriteString("channel"u8, channel);
        json.WriteNumber("limit"u8, limit);
        if (since is { } position)
        {
            json.WriteStartObject("since"u8);
            json.WriteString("epoch"u8, position.Epoch);
            json.WriteNumber("offset"u8, position.Offset);
            json.WriteEndObject();
        }

        if (reverse)
        {
            json.WriteBoolean("reverse"u8, true);
        }
    });

    public static ReadOnlyMemory<byte> Refresh(uint id, string token) => Write(id, "refresh"u8, json => json.WriteString("token"u8, token));

    public static ReadOnlyMemory<byte> SubRefresh(uint id, string channel, string token) => Write(id, "sub_refresh"u8, json =>
    {
        json.WriteString("channel"u8, channel);
        json.WriteString("token"u8, token);
    });

    private static ReadOnlyMemory<byte> Write(uint id, ReadOnlySpan<byte> method, Action<Utf8JsonWriter> writeBody)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("id"u8, id);
            json.WriteStartObject(method);
            writeBody(json);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        // Line feeds separate commands. The application's JSON can contain them only between tokens: inside a string a line feed is
        // written \n (RFC 8259, section 7).
        byte[] command = buffer.WrittenSpan.ToArray();
        command.AsSpan().Replace((byte)'\n', (byte)' ');
        return command;
    }

    private static void WriteToken(Utf8JsonWriter json, string? token)
    {
        if (token is not null)
        {
            json.WriteString("token"u8, token);
        }
    }

    private static void WriteData(Utf8JsonWriter json, ReadOnlyMemory<byte> data)
    {
        if (!data.IsEmpty)
        {
            WriteJson(json, "data"u8, data);
        }
    }

    private static void WriteSince(Utf8JsonWriter json, ClientStreamPosition position)
    {
        json.WriteBoolean("recover"u8, true);
        json.WriteString("epoch"u8, position.Epoch);
        json.WriteNumber("offset"u8, position.Offset);
    }

    // The writer's own validation stops at 64 levels, although the server sets the depth limit, and does not check strings: bytes
    // that are not UTF-8 would end the connection.
    private static void WriteJson(Utf8JsonWriter json, ReadOnlySpan<byte> name, ReadOnlyMemory<byte> value)
    {
        CheckJson(value);
        json.WritePropertyName(name);
        json.WriteRawValue(value.Span, skipInputValidation: true);
    }

    private static void CheckJson(ReadOnlyMemory<byte> value)
    {
        if (!Utf8.IsValid(value.Span))
        {
            throw new JsonException("The data is not UTF-8 (RFC 8259 section 8.1).");
        }

        Utf8JsonReader reader = new(value.Span, _anyDepth);
        while (reader.Read())
        {
            // Read to the end, so that a second value is rejected too.
        }
    }
}
