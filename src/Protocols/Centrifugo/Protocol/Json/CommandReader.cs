using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Weir.Relay.Brokers;
using Weir.Relay.Json;

namespace Weir.Protocols.Centrifugo.Protocol.Json;

/// <summary>
/// Splits a frame into its commands, which are consecutive JSON objects. Unknown fields are ignored. A field of the wrong type, too
/// deep, or not valid Unicode makes its command malformed; text that is not JSON, or a malformed command without an id, the frame.
/// </summary>
/// <param name="frame">The frame; commands reference slices of it.</param>
internal struct CommandReader(ReadOnlyMemory<byte> frame)
{
    // A value such as data is nested in the command and its request.
    private static readonly JsonReaderOptions _options = new() { AllowMultipleValues = true, MaxDepth = JsonText.MaxDepth + 2 };
    private static readonly JsonReaderOptions _anyDepth = _options with { MaxDepth = int.MaxValue };

    private ReadOnlyMemory<byte> _rest = frame;

    // The field that names the method of a request.
    private enum Method
    {
        None,
        Connect,
        Subscribe,
        Unsubscribe,
        Publish,
        Presence,
        PresenceStats,
        History,
        Rpc,
        Refresh,
        SubRefresh,
        Send,
        Unknown,
    }

    /// <summary>Gets what follows the commands read so far.</summary>
    public readonly ReadOnlyMemory<byte> Rest => _rest;

    /// <summary>Reads the next command; <c>null</c> at the end.</summary>
    /// <returns>False if the frame is malformed from here on.</returns>
    public bool TryRead(out ClientCommand? command)
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

            Fields fields = new();
            ReadCommand(ref json, ref fields);
            _rest = _rest[(int)json.BytesConsumed..];
            command = fields.ToCommand();
            return true;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException) // the latter: an unpaired surrogate
        {
            return TrySkip(out command);
        }
    }

    // The reader does not recurse: each level costs one bit.
    private bool TrySkip([NotNullWhen(true)] out ClientCommand? command)
    {
        command = null;
        uint id = 0;
        Utf8JsonReader json = new(_rest.Span, _anyDepth);
        try
        {
            json.Read();
            while (json.Read() && json.TokenType != JsonTokenType.EndObject)
            {
                // An escaped name might not be valid Unicode; the name of the id is never escaped.
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
        command = id > 0 ? new MalformedCommand(id) : null;
        return command is not null;
    }

    private readonly void ReadCommand(ref Utf8JsonReader json, ref Fields fields)
    {
        while (json.Read() && json.TokenType != JsonTokenType.EndObject)
        {
            if (json.ValueTextEquals("id"u8))
            {
                json.Read();
                fields.Id = json.TokenType == JsonTokenType.Number && json.TryGetUInt32(out uint id) ? id : Malformed<uint>();
                continue;
            }

            Method method = MethodOf(json);
            json.Read();
            if (json.TokenType == JsonTokenType.StartObject && fields.Method is Method.None or Method.Unknown && method != Method.Unknown)
            {
                fields.Method = method;
                ReadRequest(ref json, ref fields);
            }
            else
            {
                fields.Method = fields.Method == Method.None ? Method.Unknown : fields.Method;
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

    private readonly void ReadRequest(ref Utf8JsonReader json, ref Fields fields)
    {
        while (json.Read() && json.TokenType != JsonTokenType.EndObject)
        {
            if (json.ValueTextEquals("channel"u8))
            {
                fields.Channel = ReadText(ref json);
            }
            else if (json.ValueTextEquals("data"u8))
            {
                fields.Data = ReadRaw(ref json);
            }
            else if (json.ValueTextEquals("token"u8))
            {
                fields.Token = ReadText(ref json) is { Length: > 0 } token ? token : null;
            }
            else if (json.ValueTextEquals("method"u8))
            {
                fields.Name = ReadText(ref json);
            }
            else if (json.ValueTextEquals("limit"u8))
            {
                fields.Limit = (int)Math.Clamp(ReadNumber(ref json), int.MinValue, int.MaxValue);
            }
            else if (json.ValueTextEquals("reverse"u8))
            {
                fields.Reverse = ReadFlag(ref json);
            }
            else if (json.ValueTextEquals("join_leave"u8))
            {
                fields.JoinLeave = ReadFlag(ref json);
            }
            else if (json.ValueTextEquals("flag"u8))
            {
                fields.Flag = (int)(ReadNumber(ref json) & int.MaxValue);
            }
            else if (json.ValueTextEquals("since"u8))
            {
                fields.Since = ReadPosition(ref json, out _);
            }
            else if (json.ValueTextEquals("subs"u8))
            {
                fields.Positions = ReadPositions(ref json);
            }
            else if (json.ValueTextEquals("recover"u8))
            {
                fields.Recover = ReadFlag(ref json);
            }
            else if (json.ValueTextEquals("offset"u8))
            {
                fields.Offset = ReadNumber(ref json);
            }
            else if (json.ValueTextEquals("epoch"u8))
            {
                fields.Epoch = ReadText(ref json);
            }
            else
            {
                json.Read();
                json.Skip();
            }
        }
    }

    // Verbatim: the recipient interprets it.
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
            StreamPosition position = ReadPosition(ref json, out bool recover) ?? default;
            if (recover)
            {
                positions[channel] = position;
            }
        }

        return positions;
    }

    private static StreamPosition? ReadPosition(ref Utf8JsonReader json, out bool recover)
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

    // The fields of the requests of all methods, which have the same names and meanings everywhere; a method ignores those it does not use.
    private struct Fields()
    {
        public uint Id;
        public Method Method;
        public string Channel = "";
        public string? Token;
        public ReadOnlyMemory<byte> Data;
        public string Name = "";
        public bool Recover;
        public bool JoinLeave;
        public bool Reverse;
        public long Offset;
        public string Epoch = "";
        public int Limit;
        public int Flag;
        public StreamPosition? Since;
        public Dictionary<string, StreamPosition>? Positions;

        public readonly ClientCommand ToCommand() => Method switch
        {
            Method.None => new EmptyCommand(Id),
            Method.Connect => new ConnectCommand(Id, Token, Positions),
            Method.Subscribe => new SubscribeCommand(
                Id, Channel, Token, Recover ? new StreamPosition(Epoch, Offset) : null, JoinLeave, RejectsUnrecovered: (Flag & 2) != 0),
            Method.Unsubscribe => new UnsubscribeCommand(Id, Channel),
            Method.Publish => new PublishCommand(Id, Channel, Data),
            Method.Presence => new PresenceCommand(Id, Channel),
            Method.PresenceStats => new PresenceStatsCommand(Id, Channel),
            Method.History => new HistoryCommand(Id, Channel, Since, Limit, Reverse),
            Method.Rpc => new RpcCommand(Id, Name, Data),
            Method.Refresh => new RefreshCommand(Id, Token),
            Method.SubRefresh => new SubRefreshCommand(Id, Channel, Token),
            Method.Send => new SendCommand(Id, Data),
            _ => new UnknownCommand(Id),
        };
    }
}
