using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Relay.Diagnostics;
using Weir.Relay.Json;
using Weir.Relay.Nodes;

namespace Weir.Relay.Api;

/// <summary>
/// The methods, in the shapes of Centrifugo's server API: a request is a JSON object, an answer the value of its <c>result</c>. Other
/// fields of a request are ignored.
/// </summary>
internal sealed class ApiMethods(RelayNode relay)
{
    private static readonly JsonElement _none = JsonDocument.Parse("null").RootElement;

    public delegate ValueTask Method(ApiCall call, JsonElement request, Utf8JsonWriter result, CancellationToken cancellationToken);

    /// <summary>Returns the method of that name with the right that it needs; <c>null</c> if there is none.</summary>
    public (Method Run, ApiRights Right)? Find(string name) => name switch
    {
        "publish" => (PublishAsync, ApiRights.Publish),
        "broadcast" => (BroadcastAsync, ApiRights.Publish),
        "history" => (HistoryAsync, ApiRights.History),
        "history_remove" => (RemoveHistoryAsync, ApiRights.HistoryRemove),
        "presence" => (PresenceAsync, ApiRights.Presence),
        "presence_stats" => (PresenceStatsAsync, ApiRights.Presence),
        "disconnect" => (DisconnectAsync, ApiRights.Disconnect),
        "info" => (InfoAsync, ApiRights.Info),
        "channels" => (ChannelsAsync, ApiRights.Info),
        _ => null,
    };

    private async ValueTask PublishAsync(
        ApiCall call, JsonElement request, Utf8JsonWriter result, CancellationToken cancellationToken)
    {
        Publication publication = ReadPublication(request);
        string room = ReadText(request, "channel");
        call.Publishes(1, room);
        Write(result, await PublishAsync(call, ReadRoom(call, request), publication, cancellationToken).ConfigureAwait(false));
    }

    // Each room has an answer of its own, also one whose name is not text: its failure does not affect the others, and a back end repeats
    // only for those that failed.
    private async ValueTask BroadcastAsync(
        ApiCall call, JsonElement request, Utf8JsonWriter result, CancellationToken cancellationToken)
    {
        Publication publication = ReadPublication(request).AsMessage(relay.NewMessageNumber());
        if (Member(request, "channels") is not { ValueKind: JsonValueKind.Array } channels || channels.GetArrayLength() == 0)
        {
            throw Bad("channels must be an array of at least one name.");
        }

        call.Publishes(channels.GetArrayLength(), JsonText.TryGetText(channels[0], out string? first) ? first : "");
        Task<StreamPosition>[] publishes =
        [
            .. channels.EnumerateArray().Select(channel => JsonText.TryGetText(channel, out string? room)
                ? PublishAsync(call, room, publication, cancellationToken)
                : Task.FromException<StreamPosition>(Bad("A channel must be a string, with surrogate escapes only in pairs."))),
        ];
        await ((Task)Task.WhenAll(publishes)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        result.WriteStartObject();
        result.WriteStartArray("responses");
        foreach (Task<StreamPosition> publish in publishes)
        {
            result.WriteStartObject();
            try
            {
                StreamPosition position = await publish.ConfigureAwait(false);
                result.WritePropertyName("result");
                Write(result, position);
            }
            catch (ApiException failed)
            {
                failed.Error.WriteTo(result);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                RelayLog.ApiFailed(relay.Logger, error, "broadcast"); // the others are published: their answers must not be lost
                ApiError.Internal.WriteTo(result);
            }

            result.WriteEndObject();
        }

        result.WriteEndArray();
        result.WriteEndObject();
    }

    private async ValueTask HistoryAsync(
        ApiCall call, JsonElement request, Utf8JsonWriter result, CancellationToken cancellationToken)
    {
        string room = ReadRoom(call, request);
        RoomRule rule = relay.RuleOf(room);
        if (!rule.KeepsHistory)
        {
            throw new ApiException(ApiError.NotAvailable);
        }

        StreamPosition? since = null;
        if (Member(request, "since") is { ValueKind: JsonValueKind.Object } position)
        {
            since = new StreamPosition(ReadText(position, "epoch"), ReadNumber(position, "offset"));
        }

        HistoryQuery query = new(since, (int)Math.Clamp(ReadNumber(request, "limit"), -1, int.MaxValue), ReadFlag(request, "reverse"));
        RoomHistory history = await relay.Broker.ReadHistoryAsync(room, query, rule, cancellationToken).ConfigureAwait(false);
        if (since is { Epoch.Length: > 0 } asked && asked.Epoch != history.Top.Epoch && !history.Holds(asked))
        {
            throw new ApiException(ApiError.UnrecoverablePosition);
        }

        result.WriteStartObject();
        result.WriteStartArray("publications");
        foreach (Publication publication in history.Publications)
        {
            Write(result, publication);
        }

        result.WriteEndArray();
        result.WriteString("epoch", history.Top.Epoch);
        result.WriteNumber("offset", history.Top.Offset);
        result.WriteEndObject();
    }

    private async ValueTask RemoveHistoryAsync(
        ApiCall call, JsonElement request, Utf8JsonWriter result, CancellationToken cancellationToken)
    {
        string room = ReadText(request, "channel");
        call.RemovesHistory(room);
        await relay.Broker.RemoveHistoryAsync(ReadRoom(call, request), cancellationToken).ConfigureAwait(false);
        result.WriteStartObject();
        result.WriteEndObject();
    }

    private async ValueTask PresenceAsync(
        ApiCall call, JsonElement request, Utf8JsonWriter result, CancellationToken cancellationToken)
    {
        PresenceJson.WritePresence(result, await ReadPresenceAsync(call, request, cancellationToken).ConfigureAwait(false));
    }

    private async ValueTask PresenceStatsAsync(
        ApiCall call, JsonElement request, Utf8JsonWriter result, CancellationToken cancellationToken)
    {
        PresenceJson.WritePresenceStats(result, await ReadPresenceAsync(call, request, cancellationToken).ConfigureAwait(false));
    }

    private async ValueTask DisconnectAsync(
        ApiCall call, JsonElement request, Utf8JsonWriter result, CancellationToken cancellationToken)
    {
        string user = ReadText(request, "user");
        string client = ReadText(request, "client");
        if (user.Length == 0 && client.Length == 0)
        {
            throw Bad("Name a user or a client.");
        }

        CloseCode code = (CloseCode)3503; // Centrifugo's "force disconnect"
        string reason = "force disconnect";
        if (Member(request, "disconnect") is { ValueKind: JsonValueKind.Object } how)
        {
            long asked = ReadNumber(how, "code");
            if (asked is < 3000 or > 4999)
            {
                throw Bad("disconnect.code must be from 3000 to 4999.");
            }

            code = (CloseCode)asked;
            reason = ReadText(how, "reason");
        }

        call.Disconnects(user, client, (int)code);
        await relay.DisconnectAsync(new Disconnection(user, client, code, reason), cancellationToken).ConfigureAwait(false);
        result.WriteStartObject();
        result.WriteEndObject();
    }

    private async ValueTask InfoAsync(
        ApiCall call, JsonElement request, Utf8JsonWriter result, CancellationToken cancellationToken)
    {
        IReadOnlyList<NodeInfo> nodes = await relay.ReadNodesAsync(cancellationToken).ConfigureAwait(false);
        result.WriteStartObject();
        result.WriteStartArray("nodes");
        foreach (NodeInfo node in nodes)
        {
            result.WriteStartObject();
            result.WriteString("uid", node.Id);
            result.WriteString("name", node.Name);
            result.WriteString("version", typeof(ApiMethods).Assembly.GetName().Version?.ToString(3));
            result.WriteNumber("num_clients", node.Clients);
            result.WriteNumber("num_users", node.Users);
            result.WriteNumber("num_channels", node.Rooms);
            result.WriteNumber("uptime", (long)node.Uptime.TotalSeconds);
            result.WriteString("rules", node.Rules);
            result.WriteEndObject();
        }

        result.WriteEndArray();
        result.WriteEndObject();
    }

    private async ValueTask ChannelsAsync(
        ApiCall call, JsonElement request, Utf8JsonWriter result, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, int> rooms =
            await relay.ReadRoomsAsync(ReadText(request, "pattern"), cancellationToken).ConfigureAwait(false);
        result.WriteStartObject();
        result.WriteStartObject("channels");
        foreach ((string room, int clients) in rooms.Where(pair => call.Includes(pair.Key)))
        {
            result.WriteStartObject(room);
            result.WriteNumber("num_clients", clients);
            result.WriteEndObject();
        }

        result.WriteEndObject();
        result.WriteEndObject();
    }

    private async Task<StreamPosition> PublishAsync(
        ApiCall call, string room, Publication publication, CancellationToken cancellationToken)
    {
        call.RequireRoom(room);
        if (!relay.Allows(room))
        {
            throw new ApiException(ApiError.UnknownChannel);
        }

        try
        {
            return await relay.PublishAsync(room, publication, except: null, cancellationToken).ConfigureAwait(false);
        }
        catch (BrokerUnavailableException)
        {
            throw new ApiException(ApiError.Internal);
        }
    }

    private async ValueTask<IReadOnlyList<RoomMember>> ReadPresenceAsync(
        ApiCall call, JsonElement request, CancellationToken cancellationToken)
    {
        string room = ReadRoom(call, request);
        return relay.RuleOf(room).Presence
            ? await relay.Broker.ReadPresenceAsync(room, cancellationToken).ConfigureAwait(false)
            : throw new ApiException(ApiError.NotAvailable);
    }

    // The raw JSON text of data, verbatim: members of a room are sent exactly that. Or bytes, in base64.
    private static Publication ReadPublication(JsonElement request)
    {
        if (Member(request, "data") is { } data)
        {
            return new Publication { Data = JsonMarshal.GetRawUtf8Value(data).ToArray() };
        }

        return Member(request, "b64data") is { } encoded && JsonText.TryGetBytes(encoded, out byte[]? bytes)
            ? new Publication { Data = bytes, Kind = MessageKind.Binary }
            : throw Bad("Name data, or b64data as a string of base64.");
    }

    private string ReadRoom(ApiCall call, JsonElement request)
    {
        string room = ReadText(request, "channel");
        if (room.Length == 0)
        {
            throw Bad("Name a channel.");
        }

        call.RequireRoom(room);
        return relay.Allows(room) ? room : throw new ApiException(ApiError.UnknownChannel);
    }

    private static JsonElement? Member(JsonElement request, string name)
        => JsonText.TryFind(request, name, out JsonElement member) ? member is { ValueKind: JsonValueKind.Undefined } ? null : member
            : throw Bad("The name of a property has a surrogate escape without its other half.");

    private static string ReadText(JsonElement request, string name)
    {
        JsonElement value = Member(request, name) ?? _none;
        return value.ValueKind == JsonValueKind.Null ? ""
            : JsonText.TryGetText(value, out string? text) ? text
            : throw Bad($"{name} must be a string, with surrogate escapes only in pairs.");
    }

    private static long ReadNumber(JsonElement request, string name) => (Member(request, name) ?? _none) switch
    {
        { ValueKind: JsonValueKind.Number } number when number.TryGetInt64(out long value) => value,
        { ValueKind: JsonValueKind.Null } => 0,
        _ => throw Bad($"{name} must be a whole number of 64 bits."),
    };

    private static bool ReadFlag(JsonElement request, string name) => (Member(request, name) ?? _none).ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False or JsonValueKind.Null => false,
        _ => throw Bad($"{name} must be true or false."),
    };

    private static ApiException Bad(string complaint) => new(ApiError.BadRequest(complaint));

    private static void Write(Utf8JsonWriter result, StreamPosition position)
    {
        result.WriteStartObject();
        if (position.Epoch.Length > 0)
        {
            result.WriteNumber("offset", position.Offset);
            result.WriteString("epoch", position.Epoch);
        }

        result.WriteEndObject();
    }

    // Members of a raw room may send anything: text that is not JSON is written as a string, bytes in base64.
    private static void Write(Utf8JsonWriter result, Publication publication)
    {
        result.WriteStartObject();
        if (publication.Kind == MessageKind.Binary)
        {
            result.WriteBase64String("b64data", publication.Data.Span);
        }
        else if (JsonText.IsValid(publication.Data.Span))
        {
            result.WritePropertyName("data");
            result.WriteRawValue(publication.Data.Span, skipInputValidation: true);
        }
        else
        {
            result.WriteString("data", Encoding.UTF8.GetString(publication.Data.Span));
        }

        JsonText.WriteProperty(result, "info", publication.Info);
        result.WriteNumber("offset", publication.Offset);
        result.WriteEndObject();
    }
}
