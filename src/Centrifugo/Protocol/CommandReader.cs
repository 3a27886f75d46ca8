using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Weir.Relay;

namespace Weir.Centrifugo.Protocol;

/// <summary>
/// Takes a frame apart into its commands: JSON objects, one behind the other. What is not known is passed over. What is of another kind
/// than it should be, too deep, or no Unicode makes that command malformed; what is no JSON, or has no number to answer to, the frame.
/// </summary>
/// <param name="frame">The frame, of which commands point to pieces.</param>
internal struct CommandReader(ReadOnlyMemory<byte> frame)
{
    // A value such as data stands inside the command and its request.
    private static readonly JsonReaderOptions _options = new() { AllowMultipleValues = true, MaxDepth = JsonText.MaxDepth + 2 };
    private static readonly JsonReaderOptions _anyDepth = _options with { MaxDepth = int.MaxValue };

    private ReadOnlyMemory<byte> _rest = frame;

    /// <summary>The next command; null at the end.</summary>
    /// <returns>False: the frame is malformed from here on.</returns>
    public bool TryRead(out Command? command)
    {
        command = null;
        _rest = _rest.TrimStart(" \r\n\t"u8);
        if (_rest.IsEmpty)
        {
            return true;
        }

        Utf8JsonReader json = new(_rest.Span, _options);
        try
        {
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            Command found = new();
            ReadCommand(ref json, found);
            _rest = _rest[(int)json.BytesConsumed..];
            command = found;
            return true;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException) // the latter: half of a surrogate pair
        {
            return TryPassOver(out command);
        }
    }

    // The reader does not recurse: depth costs a bit per level.
    private bool TryPassOver([NotNullWhen(true)] out Command? command)
    {
        command = null;
        uint id = 0;
        Utf8JsonReader json = new(_rest.Span, _anyDepth);
        try
        {
            json.Read();
            while (json.Read() && json.TokenType != JsonTokenType.EndObject)
            {
                // An escaped name might be no Unicode, and that of a number is not escaped.
                bool isId = !json.ValueIsEscaped && json.ValueTextEquals("id"u8);
                json.Read();
                if (isId && !(json.TokenType == JsonTokenType.Number && json.TryGetUInt32(out id)))
                {
                    return false;
                }

                json.Skip();
            }
        }
        catch (JsonException)
        {
            return false;
        }

        _rest = _rest[(int)json.BytesConsumed..];
        command = id > 0 ? new Command { Id = id, Method = Method.Malformed } : null;
        return command is not null;
    }

    private readonly void ReadCommand(ref Utf8JsonReader json, Command command)
    {
        while (json.Read() && json.TokenType != JsonTokenType.EndObject)
        {
            if (json.ValueTextEquals("id"u8))
            {
                json.Read();
                command.Id = json.TokenType == JsonTokenType.Number && json.TryGetUInt32(out uint id) ? id : Malformed<uint>();
                continue;
            }

            Method method = MethodOf(json);
            json.Read();
            if (json.TokenType == JsonTokenType.StartObject && command.Method is Method.None or Method.Unknown && method != Method.Unknown)
            {
                command.Method = method;
                ReadRequest(ref json, command);
            }
            else
            {
                command.Method = command.Method == Method.None ? Method.Unknown : command.Method;
                json.Skip();
            }
        }
    }

    private static Method MethodOf(in Utf8JsonReader json)
        => json.ValueTextEquals("publish"u8) ? Method.Publish
        : json.ValueTextEquals("connect"u8) ? Method.Connect
        : json.ValueTextEquals("subscribe"u8) ? Method.Subscribe
        : json.ValueTextEquals("unsubscribe"u8) ? Method.Unsubscribe
        : json.ValueTextEquals("presence"u8) ? Method.Presence
        : json.ValueTextEquals("presence_stats"u8) ? Method.PresenceStats
        : json.ValueTextEquals("history"u8) ? Method.History
        : json.ValueTextEquals("rpc"u8) ? Method.Rpc
        : json.ValueTextEquals("refresh"u8) ? Method.Refresh
        : json.ValueTextEquals("sub_refresh"u8) ? Method.SubRefresh
        : json.ValueTextEquals("send"u8) ? Method.Send
        : Method.Unknown;

    private readonly void ReadRequest(ref Utf8JsonReader json, Command command)
    {
        while (json.Read() && json.TokenType != JsonTokenType.EndObject)
        {
            if (json.ValueTextEquals("channel"u8))
            {
                command.Channel = ReadText(ref json);
            }
            else if (json.ValueTextEquals("data"u8))
            {
                command.Data = ReadRaw(ref json);
            }
            else if (json.ValueTextEquals("token"u8))
            {
                command.Token = ReadText(ref json) is { Length: > 0 } token ? token : null;
            }
            else if (json.ValueTextEquals("method"u8))
            {
                command.Name = ReadText(ref json);
            }
            else if (json.ValueTextEquals("limit"u8))
            {
                command.Limit = (int)Math.Clamp(ReadNumber(ref json), int.MinValue, int.MaxValue);
            }
            else if (json.ValueTextEquals("reverse"u8))
            {
                command.Reverse = ReadFlag(ref json);
            }
            else if (json.ValueTextEquals("join_leave"u8))
            {
                command.JoinLeave = ReadFlag(ref json);
            }
            else if (json.ValueTextEquals("flag"u8))
            {
                command.Flag = (int)(ReadNumber(ref json) & int.MaxValue);
            }
            else if (json.ValueTextEquals("since"u8))
            {
                command.Since = ReadPlace(ref json, out _);
            }
            else if (json.ValueTextEquals("subs"u8))
            {
                command.Positions = ReadPositions(ref json);
            }
            else if (json.ValueTextEquals("recover"u8))
            {
                command.Recover = ReadFlag(ref json);
            }
            else if (json.ValueTextEquals("offset"u8))
            {
                command.Offset = ReadNumber(ref json);
            }
            else if (json.ValueTextEquals("epoch"u8))
            {
                command.Epoch = ReadText(ref json);
            }
            else
            {
                json.Read();
                json.Skip();
            }
        }
    }

    // Verbatim: what is in it is for whoever gets it.
    private readonly ReadOnlyMemory<byte> ReadRaw(ref Utf8JsonReader json)
    {
        json.Read();
        int start = (int)json.TokenStartIndex;
        json.Skip();
        return _rest[start..(int)json.BytesConsumed];
    }

    private static Dictionary<string, StreamPosition> ReadPositions(ref Utf8JsonReader json)
    {
        Dictionary<string, StreamPosition> positions = new(StringComparer.Ordinal);
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
        {
            return json.TokenType == JsonTokenType.Null ? positions : Malformed<Dictionary<string, StreamPosition>>();
        }

        while (json.Read() && json.TokenType != JsonTokenType.EndObject)
        {
            string channel = json.GetString()!;
            StreamPosition place = ReadPlace(ref json, out bool recover) ?? default;
            if (recover)
            {
                positions[channel] = place;
            }
        }

        return positions;
    }

    private static StreamPosition? ReadPlace(ref Utf8JsonReader json, out bool recover)
    {
        recover = false;
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
        {
            return json.TokenType == JsonTokenType.Null ? null : Malformed<StreamPosition>();
        }

        long offset = 0;
        string epoch = "";
        while (json.Read() && json.TokenType != JsonTokenType.EndObject)
        {
            if (json.ValueTextEquals("offset"u8))
            {
                offset = ReadNumber(ref json);
            }
            else if (json.ValueTextEquals("epoch"u8))
            {
                epoch = ReadText(ref json);
            }
            else if (json.ValueTextEquals("recover"u8))
            {
                recover = ReadFlag(ref json);
            }
            else
            {
                json.Read();
                json.Skip();
            }
        }

        return new StreamPosition(epoch, offset);
    }

    private static string ReadText(ref Utf8JsonReader json)
    {
        json.Read();
        return json.TokenType switch
        {
            JsonTokenType.String => json.GetString()!,
            JsonTokenType.Null => "",
            _ => Malformed<string>(),
        };
    }

    private static long ReadNumber(ref Utf8JsonReader json)
    {
        json.Read();
        return json.TokenType switch
        {
            JsonTokenType.Number when json.TryGetInt64(out long number) => number,
            JsonTokenType.Null => 0,
            _ => Malformed<long>(),
        };
    }

    private static bool ReadFlag(ref Utf8JsonReader json)
    {
        json.Read();
        return json.TokenType switch
        {
            JsonTokenType.True => true,
            JsonTokenType.False or JsonTokenType.Null => false,
            _ => Malformed<bool>(),
        };
    }

    [DoesNotReturn]
    private static T Malformed<T>() => throw new JsonException();
}
