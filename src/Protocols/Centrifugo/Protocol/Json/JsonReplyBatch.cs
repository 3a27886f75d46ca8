using System.Buffers;
using System.Text.Json;
using Weir.Relay.Brokers;
using Weir.Relay.Json;

namespace Weir.Protocols.Centrifugo.Protocol.Json;

/// <summary>A batch as JSON, a line for each reply or push.</summary>
internal sealed class JsonReplyBatch : ReplyBatch
{
    // Larger buffers, of a long history, are left to the garbage collector.
    private const int MaxKeptBytes = 64 * 1024;

    [ThreadStatic]
    private static JsonReplyBatch? _spare;

    private readonly ArrayBufferWriter<byte> _bytes = new(1024);

    private JsonReplyBatch()
        => Json = new Utf8JsonWriter(_bytes, new JsonWriterOptions { Encoder = JsonForm.Escaping, SkipValidation = true });

    /// <summary>Gets the lines, without a line end after the last.</summary>
    public override ReadOnlyMemory<byte> Message => _bytes.WrittenMemory;

    private Utf8JsonWriter Json { get; }

    public static JsonReplyBatch Rent()
    {
        JsonReplyBatch batch = _spare ?? new JsonReplyBatch();
        _spare = null;
        return batch;
    }

    public override void Return()
    {
        if (_bytes.Capacity <= MaxKeptBytes)
        {
            _bytes.ResetWrittenCount();
            _spare = this;
        }
    }

    // ----- Replies -----

    public override void AddError(uint id, ReplyError error)
    {
        BeginReply(id, "error"u8);
        Json.WriteNumber("code"u8, error.Code);
        Json.WriteString("message"u8, error.Message);
        if (error.IsTemporary)
        {
            Json.WriteBoolean("temporary"u8, true);
        }

        EndObjectAndLine();
    }

    public override void AddConnect(uint id, in ConnectReply reply)
    {
        BeginReply(id, "connect"u8);
        Json.WriteString("client"u8, reply.Client);
        Json.WriteString("version"u8, reply.Version);
        WriteExpiry(reply.TtlSeconds);
        if (reply.PingSeconds > 0)
        {
            Json.WriteNumber("ping"u8, reply.PingSeconds);
            if (reply.AwaitsPong)
            {
                Json.WriteBoolean("pong"u8, true);
            }
        }

        if (reply.Stream is { } stream)
        {
            Json.WriteString("session"u8, stream.Session);
            Json.WriteString("node"u8, stream.Node);
        }

        if (reply.Subscriptions.Count > 0)
        {
            Json.WriteStartObject("subs"u8);
            foreach ((string channel, SubscribeReply subscription) in reply.Subscriptions)
            {
                Json.WriteStartObject(channel);
                WriteSubscription(subscription);
                Json.WriteEndObject();
            }

            Json.WriteEndObject();
        }

        EndObjectAndLine();
    }

    public override void AddSubscribe(uint id, in SubscribeReply reply)
    {
        BeginReply(id, "subscribe"u8);
        WriteSubscription(reply);
        EndObjectAndLine();
    }

    public override void AddUnsubscribe(uint id)
    {
        BeginReply(id, "unsubscribe"u8);
        EndObjectAndLine();
    }

    public override void AddPublish(uint id)
    {
        BeginReply(id, "publish"u8);
        EndObjectAndLine();
    }

    public override void AddRefresh(uint id, string client, string version, long? ttlSeconds)
    {
        BeginReply(id, "refresh"u8);
        Json.WriteString("client"u8, client);
        Json.WriteString("version"u8, version);
        WriteExpiry(ttlSeconds);
        EndObjectAndLine();
    }

    public override void AddSubRefresh(uint id, long? ttlSeconds)
    {
        BeginReply(id, "sub_refresh"u8);
        WriteExpiry(ttlSeconds);
        EndObjectAndLine();
    }

    public override void AddHistory(uint id, RoomHistory history)
    {
        BeginReply(id, "history"u8);
        WritePublications(history.Publications);
        Json.WriteString("epoch"u8, history.Top.Epoch);
        Json.WriteNumber("offset"u8, history.Top.Offset);
        EndObjectAndLine();
    }

    public override void AddPresence(uint id, IReadOnlyList<RoomMember> members)
    {
        BeginReply(id);
        Json.WritePropertyName("presence"u8);
        PresenceJson.WritePresence(Json, members);
        EndLine();
    }

    public override void AddPresenceStats(uint id, IReadOnlyList<RoomMember> members)
    {
        BeginReply(id);
        Json.WritePropertyName("presence_stats"u8);
        PresenceJson.WritePresenceStats(Json, members);
        EndLine();
    }

    public override void AddRpc(uint id, ReadOnlyMemory<byte> data)
    {
        BeginReply(id, "rpc"u8);
        if (data.Length > 0)
        {
            Json.WritePropertyName("data"u8);
            JsonText.WriteOnOneLine(Json, data.Span);
        }

        EndObjectAndLine();
    }

    // ----- Pushes -----

    public override void AddMessagePush(ReadOnlyMemory<byte> data)
    {
        BeginLine();
        Json.WriteStartObject("push"u8);
        Json.WriteStartObject("message"u8);
        Json.WritePropertyName("data"u8);
        JsonText.WriteOnOneLine(Json, data.Span);
        Json.WriteEndObject();
        EndObjectAndLine();
    }

    public override void AddPublicationPush(ChannelName channel, Publication publication)
    {
        BeginPush(channel);
        Json.WritePropertyName("pub"u8);
        JsonPublication.Write(Json, publication);
        EndObjectAndLine();
    }

    public override void AddPresencePush(ChannelName channel, RoomMember member, bool hasJoined)
    {
        BeginPush(channel);
        Json.WriteStartObject(hasJoined ? "join"u8 : "leave"u8);
        Json.WritePropertyName("info"u8);
        PresenceJson.WriteMember(Json, member);
        Json.WriteEndObject();
        EndObjectAndLine();
    }

    public override void AddUnsubscribePush(ChannelName channel, int code, string reason)
    {
        BeginPush(channel);
        Json.WriteStartObject("unsubscribe"u8);
        Json.WriteNumber("code"u8, code);
        Json.WriteString("reason"u8, reason);
        Json.WriteEndObject();
        EndObjectAndLine();
    }

    public override void AddDisconnectPush(DisconnectReason why)
    {
        BeginLine();
        Json.WriteStartObject("push"u8);
        Json.WriteStartObject("disconnect"u8);
        Json.WriteNumber("code"u8, (int)why.Code);
        Json.WriteString("reason"u8, why.Reason);
        Json.WriteEndObject();
        EndObjectAndLine();
    }

    // ----- Parts -----

    private void BeginLine()
    {
        if (_bytes.WrittenCount > 0)
        {
            _bytes.Write("\n"u8);
        }

        Json.Reset();
        Json.WriteStartObject();
    }

    private void BeginReply(uint id)
    {
        BeginLine();
        Json.WriteNumber("id"u8, id);
    }

    private void BeginReply(uint id, ReadOnlySpan<byte> method)
    {
        BeginReply(id);
        Json.WriteStartObject(method);
    }

    private void BeginPush(ChannelName channel)
    {
        BeginLine();
        Json.WriteStartObject("push"u8);
        Json.WritePropertyName("channel"u8);
        Json.WriteRawValue(channel.Encoded.Span, skipInputValidation: true);
    }

    private void EndObjectAndLine()
    {
        Json.WriteEndObject();
        EndLine();
    }

    private void EndLine()
    {
        Json.WriteEndObject();
        Json.Flush();
    }

    private void WriteSubscription(in SubscribeReply reply)
    {
        if (reply.Position is { } position)
        {
            Json.WriteBoolean("recoverable"u8, true);
            Json.WriteBoolean("positioned"u8, true);
            Json.WriteString("epoch"u8, position.Epoch);
            Json.WriteNumber("offset"u8, position.Offset);
        }

        if (reply.WasRecovering)
        {
            Json.WriteBoolean("was_recovering"u8, true);
            if (reply.Recovered is { } missed)
            {
                Json.WriteBoolean("recovered"u8, true);
                WritePublications(missed);
            }
        }

        WriteExpiry(reply.TtlSeconds);
    }

    private void WritePublications(IReadOnlyList<Publication> publications)
    {
        Json.WriteStartArray("publications"u8);
        foreach (Publication publication in publications)
        {
            JsonPublication.Write(Json, publication);
        }

        Json.WriteEndArray();
    }

    private void WriteExpiry(long? ttlSeconds)
    {
        if (ttlSeconds is { } seconds)
        {
            Json.WriteBoolean("expires"u8, true);
            Json.WriteNumber("ttl"u8, seconds);
        }
    }
}
