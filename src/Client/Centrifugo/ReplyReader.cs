using System.Text;
using System.Text.Json;
using Weir.Client.Events;

namespace Weir.Client.Centrifugo;

/// <summary>
/// Reads the server's frames with <see cref="Utf8JsonReader"/>: without reflection; the application's JSON is not parsed but
/// returned as a slice of the frame. Unknown fields are skipped, for compatibility with newer servers.
/// </summary>
internal static class ReplyReader
{
    // The client does not limit the depth of the application's JSON: skipping it costs a bit per level.
    private static readonly JsonReaderOptions _single = new() { MaxDepth = int.MaxValue };
    private static readonly JsonReaderOptions _several = _single with { AllowMultipleValues = true };

    private delegate void FieldReader<T>(ref Utf8JsonReader json, ReadOnlyMemory<byte> frame, ref T into);

    /// <summary>Reads all replies of a frame.</summary>
    /// <exception cref="JsonException">The frame is not JSON, or not of this protocol.</exception>
    public static List<Reply> ReadFrame(ReadOnlyMemory<byte> frame)
    {
        List<Reply> replies = [];
        Utf8JsonReader json = new(frame.Span, _several);
        while (json.Read())
        {
            Reply reply = default;
            ReadFields(ref json, frame, ref reply, static (ref Utf8JsonReader json, ReadOnlyMemory<byte> frame, ref Reply reply) =>
            {
                reply = NameOf(ref json) switch
                {
                    "id" => reply with { Id = json.GetUInt32() },
                    "error" => reply with { Error = ReadError(ref json) },
                    "push" => reply with { Push = Slice(ref json, frame) },
                    _ => reply with { Result = Slice(ref json, frame) }, // its name is that of the command
                };
            });
            replies.Add(reply);
        }

        return replies;
    }

    public static ConnectReply ReadConnect(ReadOnlyMemory<byte> result)
    {
        ConnectReply connect = new("", TimeSpan.Zero, false, false, TimeSpan.Zero);
        Utf8JsonReader json = Begin(result);
        ReadFields(ref json, result, ref connect, static (ref Utf8JsonReader json, ReadOnlyMemory<byte> frame, ref ConnectReply connect) =>
        {
            connect = NameOf(ref json) switch
            {
                "client" => connect with { Client = ReadText(ref json) },
                "ping" => connect with { Ping = ReadSeconds(ref json) },
                "pong" => connect with { Pong = json.GetBoolean() },
                "expires" => connect with { Expires = json.GetBoolean() },
                "ttl" => connect with { TimeToLive = ReadSeconds(ref json) },
                "subs" => connect with { Channels = ReadChannels(ref json, frame) },
                _ => Skip(ref json, connect),
            };
        });
        return connect;
    }

    public static SubscribeResult ReadSubscribe(ReadOnlyMemory<byte> result)
    {
        (SubscribeResult Result, string? Epoch, ulong Offset, bool HasPosition) read = (new(), null, 0, false);
        Utf8JsonReader json = Begin(result);
        ReadFields(ref json, result, ref read, static (ref Utf8JsonReader json, ReadOnlyMemory<byte> frame,
            ref (SubscribeResult Result, string? Epoch, ulong Offset, bool HasPosition) read) =>
        {
            SubscribeResult subscribe = read.Result;
            switch (NameOf(ref json))
            {
                case "epoch":
                    read.Epoch = ReadText(ref json);
                    return;
                case "offset":
                    read.Offset = json.GetUInt64();
                    return;
                case "positioned":
                    read.HasPosition |= json.GetBoolean();
                    return;
                case "recoverable":
                    subscribe = subscribe with { Recoverable = json.GetBoolean() };
                    read.HasPosition |= subscribe.Recoverable;
                    break;
                case "was_recovering":
                    subscribe = subscribe with { WasRecovering = json.GetBoolean() };
                    break;
                case "recovered":
                    subscribe = subscribe with { Recovered = json.GetBoolean() };
                    break;
                case "publications":
                    subscribe = subscribe with { Publications = ReadPublications(ref json, frame) };
                    break;
                case "expires":
                    subscribe = subscribe with { Expires = json.GetBoolean() };
                    break;
                case "ttl":
                    subscribe = subscribe with { TimeToLive = ReadSeconds(ref json) };
                    break;
                default:
                    json.Skip();
                    break;
            }

            read.Result = subscribe;
        });
        return read.Result with { Position = read.HasPosition ? new ClientStreamPosition(read.Epoch ?? "", read.Offset) : null };
    }

    public static ServerPush ReadPush(ReadOnlyMemory<byte> body)
    {
        ServerPush push = new(PushKind.Other, "");
        Utf8JsonReader json = Begin(body);
        ReadFields(ref json, body, ref push, static (ref Utf8JsonReader json, ReadOnlyMemory<byte> frame, ref ServerPush push) =>
        {
            push = NameOf(ref json) switch
            {
                "channel" => push with { Channel = ReadText(ref json) },
                "pub" => push with { Kind = PushKind.Publication, Publication = ReadPublication(ref json, frame) },
                "join" => push with { Kind = PushKind.Join, Info = ReadHolder(ref json, frame) },
                "leave" => push with { Kind = PushKind.Leave, Info = ReadHolder(ref json, frame) },
                "subscribe" => push with { Kind = PushKind.Subscribe, Subscribe = ReadSubscribe(Slice(ref json, frame)) },
                "unsubscribe" => ReadUnsubscribe(ref json, frame, push),
                "message" => push with { Kind = PushKind.Message, Data = ReadData(ref json, frame) },
                _ => Skip(ref json, push),
            };
        });
        return push;
    }

    public static HistoryResult ReadHistory(ReadOnlyMemory<byte> result)
    {
        SubscribeResult read = ReadSubscribe(result); // the same fields
        (string epoch, ulong offset) = ReadTop(result);
        return new HistoryResult(read.Publications, new ClientStreamPosition(epoch, offset));
    }

    public static IReadOnlyDictionary<string, ClientInfo> ReadPresence(ReadOnlyMemory<byte> result)
    {
        Dictionary<string, ClientInfo> present = [];
        Utf8JsonReader json = Begin(result);
        ReadFields(ref json, result, ref present,
            static (ref Utf8JsonReader json, ReadOnlyMemory<byte> frame, ref Dictionary<string, ClientInfo> present) =>
        {
            if (NameOf(ref json) != "presence" || json.TokenType == JsonTokenType.Null)
            {
                json.Skip();
                return;
            }

            ReadFields(ref json, frame, ref present,
                static (ref Utf8JsonReader json, ReadOnlyMemory<byte> frame, ref Dictionary<string, ClientInfo> present) =>
                present[NameOf(ref json)] = ReadInfo(ref json, frame));
        });
        return present;
    }

    public static (int Clients, int Users) ReadPresenceStats(ReadOnlyMemory<byte> result)
    {
        (int Clients, int Users) stats = default;
        Utf8JsonReader json = Begin(result);
        ReadFields(ref json, result, ref stats,
            static (ref Utf8JsonReader json, ReadOnlyMemory<byte> _, ref (int Clients, int Users) stats) =>
        {
            stats = NameOf(ref json) switch
            {
                "num_clients" => (json.GetInt32(), stats.Users),
                "num_users" => (stats.Clients, json.GetInt32()),
                _ => Skip(ref json, stats),
            };
        });
        return stats;
    }

    /// <summary>Reads the field <c>data</c> of a result.</summary>
    public static ReadOnlyMemory<byte> ReadData(ReadOnlyMemory<byte> result)
    {
        Utf8JsonReader json = Begin(result);
        return ReadData(ref json, result);
    }

    private static (string Epoch, ulong Offset) ReadTop(ReadOnlyMemory<byte> result)
    {
        (string Epoch, ulong Offset) top = ("", 0);
        Utf8JsonReader json = Begin(result);
        ReadFields(ref json, result, ref top,
            static (ref Utf8JsonReader json, ReadOnlyMemory<byte> _, ref (string Epoch, ulong Offset) top) =>
        {
            top = NameOf(ref json) switch
            {
                "epoch" => (ReadText(ref json), top.Offset),
                "offset" => (top.Epoch, json.GetUInt64()),
                _ => Skip(ref json, top),
            };
        });
        return top;
    }

    private static Utf8JsonReader Begin(ReadOnlyMemory<byte> value)
    {
        Utf8JsonReader json = new(value.IsEmpty ? "{}"u8 : value.Span, _single);
        json.Read();
        return json;
    }

    // The reader starts on the object, then moves to each name in turn; the callback reads the value. It stops on the object's end.
    private static void ReadFields<T>(ref Utf8JsonReader json, ReadOnlyMemory<byte> frame, ref T into, FieldReader<T> readField)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException($"Found {json.TokenType} where an object is expected.");
        }

        try
        {
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                readField(ref json, frame, ref into);
            }
        }
        catch (Exception error) when (error is InvalidOperationException or FormatException)
        {
            throw new JsonException("A field has another type than the protocol defines.", error);
        }
    }

    // Reads the name and moves to the value.
    private static string NameOf(ref Utf8JsonReader json)
    {
        string name = ReadText(ref json);
        json.Read();
        return name;
    }

    // Half of a surrogate pair, escaped, is valid JSON but not UTF-8 (RFC 8259, section 8.2). A .NET string can hold it.
    private static string ReadText(ref Utf8JsonReader json)
    {
        if (json.TokenType == JsonTokenType.Null)
        {
            return "";
        }

        try
        {
            return json.GetString()!;
        }
        catch (InvalidOperationException) when (json is
        {
            TokenType: JsonTokenType.String or JsonTokenType.PropertyName,
            ValueIsEscaped: true
        })
        {
            return JsonEscapes.Resolve(Encoding.UTF8.GetString(json.ValueSpan));
        }
    }

    // A value beyond TimeSpan.MaxValue becomes TimeSpan.MaxValue.
    private static TimeSpan ReadSeconds(ref Utf8JsonReader json)
    {
        double seconds = json.GetDouble();
        return seconds < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(Math.Max(seconds, 0)) : TimeSpan.MaxValue;
    }

    private static Dictionary<string, SubscribeResult> ReadChannels(ref Utf8JsonReader json, ReadOnlyMemory<byte> frame)
    {
        Dictionary<string, SubscribeResult> channels = new(StringComparer.Ordinal);
        if (json.TokenType != JsonTokenType.Null)
        {
            ReadFields(ref json, frame, ref channels,
                static (ref Utf8JsonReader json, ReadOnlyMemory<byte> frame, ref Dictionary<string, SubscribeResult> channels) =>
                channels[NameOf(ref json)] = ReadSubscribe(Slice(ref json, frame)));
        }

        return channels;
    }

    private static T Skip<T>(ref Utf8JsonReader json, T unchanged)
    {
        json.Skip();
        return unchanged;
    }

    private static ReadOnlyMemory<byte> Slice(ref Utf8JsonReader json, ReadOnlyMemory<byte> frame)
    {
        int start = (int)json.TokenStartIndex;
        json.Skip();
        return frame[start..(int)json.BytesConsumed];
    }

    private static CommandError ReadError(ref Utf8JsonReader json)
    {
        CommandError error = new(0, "", false);
        ReadFields(ref json, default, ref error, static (ref Utf8JsonReader json, ReadOnlyMemory<byte> _, ref CommandError error) =>
        {
            error = NameOf(ref json) switch
            {
                "code" => error with { Code = json.GetInt32() },
                "message" => error with { Message = ReadText(ref json) },
                "temporary" => error with { IsTemporary = json.GetBoolean() },
                _ => Skip(ref json, error),
            };
        });
        return error;
    }

    private static List<ClientPublication> ReadPublications(ref Utf8JsonReader json, ReadOnlyMemory<byte> frame)
    {
        List<ClientPublication> publications = [];
        if (json.TokenType == JsonTokenType.Null)
        {
            return publications;
        }

        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            publications.Add(ReadPublication(ref json, frame));
        }

        return publications;
    }

    private static ClientPublication ReadPublication(ref Utf8JsonReader json, ReadOnlyMemory<byte> frame)
    {
        ClientPublication publication = new();
        ReadFields(ref json, frame, ref publication,
            static (ref Utf8JsonReader json, ReadOnlyMemory<byte> frame, ref ClientPublication publication) =>
        {
            publication = NameOf(ref json) switch
            {
                "data" => publication with { Data = Slice(ref json, frame) },
                "offset" => publication with { Offset = json.GetUInt64() },
                "info" => publication with { Info = ReadInfo(ref json, frame) },
                "tags" => publication with { Tags = ReadTags(ref json) },
                _ => Skip(ref json, publication),
            };
        });
        return publication;
    }

    private static Dictionary<string, string> ReadTags(ref Utf8JsonReader json)
    {
        Dictionary<string, string> tags = [];
        ReadFields(ref json, default, ref tags,
            static (ref Utf8JsonReader json, ReadOnlyMemory<byte> _, ref Dictionary<string, string> tags) =>
            tags[NameOf(ref json)] = ReadText(ref json));
        return tags;
    }

    private static ClientInfo ReadInfo(ref Utf8JsonReader json, ReadOnlyMemory<byte> frame)
    {
        ClientInfo info = new("", "", default, default);
        ReadFields(ref json, frame, ref info, static (ref Utf8JsonReader json, ReadOnlyMemory<byte> frame, ref ClientInfo info) =>
        {
            info = NameOf(ref json) switch
            {
                "client" => info with { Client = ReadText(ref json) },
                "user" => info with { User = ReadText(ref json) },
                "conn_info" => info with { ConnectionInfo = Slice(ref json, frame) },
                "chan_info" => info with { ChannelInfo = Slice(ref json, frame) },
                _ => Skip(ref json, info),
            };
        });
        return info;
    }

    // {"info":{...}}
    private static ClientInfo ReadHolder(ref Utf8JsonReader json, ReadOnlyMemory<byte> frame)
    {
        ClientInfo info = new("", "", default, default);
        ReadFields(ref json, frame, ref info, static (ref Utf8JsonReader json, ReadOnlyMemory<byte> frame, ref ClientInfo info) =>
            info = NameOf(ref json) == "info" ? ReadInfo(ref json, frame) : Skip(ref json, info));
        return info;
    }

    private static ServerPush ReadUnsubscribe(ref Utf8JsonReader json, ReadOnlyMemory<byte> frame, ServerPush push)
    {
        push = push with { Kind = PushKind.Unsubscribe };
        ReadFields(ref json, frame, ref push, static (ref Utf8JsonReader json, ReadOnlyMemory<byte> _, ref ServerPush push) =>
        {
            push = NameOf(ref json) switch
            {
                "code" => push with { Code = json.GetInt32() },
                "reason" => push with { Reason = ReadText(ref json) },
                _ => Skip(ref json, push),
            };
        });
        return push;
    }

    private static ReadOnlyMemory<byte> ReadData(ref Utf8JsonReader json, ReadOnlyMemory<byte> frame)
    {
        ReadOnlyMemory<byte> data = default;
        ReadFields(ref json, frame, ref data, static (ref Utf8JsonReader json, ReadOnlyMemory<byte> frame, ref ReadOnlyMemory<byte> data) =>
        {
            if (NameOf(ref json) == "data")
            {
                data = Slice(ref json, frame);
            }
            else
            {
                json.Skip();
            }
        });
        return data;
    }
}
