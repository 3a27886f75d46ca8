using Weir.Relay.Brokers;

namespace Weir.Protocols.Centrifugo.Protocol;

/// <summary>
/// Replies and pushes that are sent in one message, encoded in one wire form. Rented only while there are any, so that an idle client holds
/// no buffer. Not thread-safe.
/// </summary>
internal abstract class ReplyBatch
{
    /// <summary>Gets the bytes of the message; valid until the batch is returned or added to.</summary>
    public abstract ReadOnlyMemory<byte> Message { get; }

    /// <summary>Returns the batch for reuse; it must not be used afterwards.</summary>
    public abstract void Return();

    public abstract void AddError(uint id, ReplyError error);

    public abstract void AddConnect(uint id, in ConnectReply reply);

    public abstract void AddSubscribe(uint id, in SubscribeReply reply);

    public abstract void AddUnsubscribe(uint id);

    public abstract void AddPublish(uint id);

    /// <param name="id">The id of the command.</param>
    /// <param name="client">The id of the client.</param>
    /// <param name="version">The version of the server.</param>
    /// <param name="ttlSeconds"><c>null</c> if the token does not expire.</param>
    public abstract void AddRefresh(uint id, string client, string version, long? ttlSeconds);

    /// <inheritdoc cref="AddRefresh"/>
    public abstract void AddSubRefresh(uint id, long? ttlSeconds);

    public abstract void AddHistory(uint id, RoomHistory history);

    public abstract void AddPresence(uint id, IReadOnlyList<RoomMember> members);

    public abstract void AddPresenceStats(uint id, IReadOnlyList<RoomMember> members);

    /// <param name="id">The id of the command.</param>
    /// <param name="data">JSON; empty if the reply has no data.</param>
    public abstract void AddRpc(uint id, ReadOnlyMemory<byte> data);

    /// <summary>Adds a message of the application to this client.</summary>
    public abstract void AddMessagePush(ReadOnlyMemory<byte> data);

    public abstract void AddPublicationPush(ChannelName channel, Publication publication);

    /// <summary>Adds a join, or a leave.</summary>
    public abstract void AddPresencePush(ChannelName channel, RoomMember member, bool hasJoined);

    public abstract void AddUnsubscribePush(ChannelName channel, int code, string reason);

    /// <summary>Adds the last message of a stream, which carries the code and reason of a close frame.</summary>
    public abstract void AddDisconnectPush(DisconnectReason why);
}
