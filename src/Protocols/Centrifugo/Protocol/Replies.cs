using Weir.Relay.Brokers;

namespace Weir.Protocols.Centrifugo.Protocol;

/// <summary>The reply to a connect.</summary>
/// <param name="Client">The id of the client.</param>
/// <param name="Version">The version of the server.</param>
/// <param name="TtlSeconds">The time until the token must be refreshed; <c>null</c> if it does not expire.</param>
/// <param name="PingSeconds">The interval of pings; 0: none are sent.</param>
/// <param name="AwaitsPong">Whether the client has to answer pings.</param>
/// <param name="Stream">The ids by which the client addresses its session; <c>null</c> on a connection.</param>
/// <param name="Subscriptions">The server-side subscriptions.</param>
internal readonly record struct ConnectReply(
    string Client,
    string Version,
    long? TtlSeconds,
    long PingSeconds,
    bool AwaitsPong,
    StreamAddress? Stream,
    IReadOnlyList<(string Channel, SubscribeReply Reply)> Subscriptions);

/// <summary>The ids by which a client without WebSocket addresses its session in further requests.</summary>
/// <param name="Session">The secret of the session.</param>
/// <param name="Node">The node that has it.</param>
internal sealed record StreamAddress(string Session, string Node);

/// <summary>The reply to a subscribe, also as part of the reply to a connect.</summary>
/// <param name="Position">
/// The position that the client counts on from: the current one, or its own if the missed publications follow. <c>null</c> if the channel
/// has no history.
/// </param>
/// <param name="WasRecovering">Whether the client requested recovery.</param>
/// <param name="Recovered">The publications that the client has missed; <c>null</c> if it could not be recovered.</param>
/// <param name="TtlSeconds">The time until the subscription's token must be refreshed; <c>null</c> if it does not expire.</param>
internal readonly record struct SubscribeReply(
    StreamPosition? Position, bool WasRecovering, IReadOnlyList<Publication>? Recovered, long? TtlSeconds);
