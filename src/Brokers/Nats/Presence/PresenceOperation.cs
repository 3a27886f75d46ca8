using Weir.Brokers.Nats.Connection;
using Weir.Brokers.Nats.Writing;
using Weir.Relay.Brokers;
using Weir.Relay.Wire;

namespace Weir.Brokers.Nats.Presence;

/// <summary>A change of a room's presence.</summary>
/// <param name="result">Completed when it has taken effect.</param>
/// <param name="client">The client's id; <c>null</c>: only those whose time is over leave.</param>
/// <param name="member">The client that is present; <c>null</c>: it is absent.</param>
/// <param name="lifetime">How long it is present.</param>
internal sealed class PresenceOperation(PendingReply<bool> result, string? client, RoomMember? member = null, TimeSpan lifetime = default)
    : WriteOperation<bool>(result)
{
    public string? Client => client;

    public RoomMember? Member => member;

    public TimeSpan Lifetime => lifetime;

    public byte[] Body { get; } = member is null ? [] : MemberBody.Encode(member);
}
