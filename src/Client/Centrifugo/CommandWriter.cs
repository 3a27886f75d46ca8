using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;

namespace Weir.Client.Centrifugo;

/// <summary>Writes what the client sends, one object per frame.</summary>
internal static class CommandWriter
{
    private static readonly JsonReaderOptions _anyDepth = new() { MaxDepth = int.MaxValue };

    /// <summary>The answer to a ping.</summary>
    public static readonly ReadOnlyMemory<byte> Pong = "{}"u8.ToArray();

    public static ReadOnlyMemory<byte> Connect(uint id, string? token, CentrifugoClientOptions options) => Write(id, "connect"u8, json =>
    {
        WriteToken(json, token);
        WriteData(json, options.ConnectData);
        json.WriteString("name"u8, options.Name);
    });

    public static ReadOnlyMemory<byte> Subscribe(uint id, string channel, string? token, SubscriptionOptions options, StreamPosition? since) => Write(id, "subscribe"u8, json =>
    {
        json.WriteString("channel"u8, channel);
        WriteToken(json, token);
        WriteData(json, options.Data);
        if (options.Recoverable)
        {
            json.WriteBoolean("recoverable"u8, true);
            json.WriteBoolean("positioned"u8, true);
        }

        if (options.JoinLeave)
        {
            json.WriteBoolean("join_leave"u8, true);
        }

        if (since is { } position)
        {
            json.WriteBoolean("recover"u8, true);
            json.WriteString("epoch"u8, position.Epoch);
            json.WriteNumber("offset"u8, position.Offset);
        }
    });

    public static ReadOnlyMemory<byte> Channel(uint id, ReadOnlySpan<byte> method, string channel) => Write(id, method, json => json.WriteString("channel"u8, channel));

    public static ReadOnlyMemory<byte> Publish(uint id, string channel, ReadOnlyMemory<byte> data) => Write(id, "publish"u8, json =>
    {
        json.WriteString("channel"u8, channel);
        json.WritePropertyName("data"u8);
        WriteJson(json, data.Span);
    });

    public static ReadOnlyMemory<byte> Rpc(uint id, string method, ReadOnlyMemory<byte> data) => Write(id, "rpc"u8, json =>
    {
        json.WriteString("method"u8, method);
        WriteData(json, data);
    });

    public static ReadOnlyMemory<byte> History(uint id, string channel, int limit, StreamPosition? since, bool reverse) => Write(id, "history"u8, json =>
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

        // Commands are told apart by line feeds. A user's JSON may have some between its tokens, and nowhere else: inside a string a
        // line feed is written \n (RFC 8259, section 7).
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
            json.WritePropertyName("data"u8);
            WriteJson(json, data.Span);
        }
    }

    // The writer's own check stops at 64 levels, which are the server's to limit, and does not look into strings: bytes that are not
    // UTF-8 would cost the connection.
    private static void WriteJson(Utf8JsonWriter json, ReadOnlySpan<byte> data)
    {
        if (!Utf8.IsValid(data))
        {
            throw new JsonException("The data is not UTF-8 (RFC 8259 section 8.1).");
        }

        Utf8JsonReader reader = new(data, _anyDepth);
        while (reader.Read())
        {
            // Throws where it is no JSON.
        }

        json.WriteRawValue(data, skipInputValidation: true);
    }
}
