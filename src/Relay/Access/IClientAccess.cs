using Weir.Handshake;
using Weir.Relay.Nodes;

namespace Weir.Relay.Access;

/// <summary>
/// Decides which clients may connect, and what they may do. Every endpoint uses the instance among the application's services: the raw
/// relay, response streams and protocols with rooms of their own. Without one, <see cref="OpenAccess"/>. Thread-safe.
/// </summary>
public interface IClientAccess
{
    /// <summary>
    /// Whether a cookie may identify a client. Streams then answer pages of listed origins with <c>Access-Control-Allow-Credentials:
    /// true</c>, so that a browser sends the cookie across origins (Fetch standard, section 3.3). Default: false. Read once, when an
    /// endpoint is mapped.
    /// </summary>
    bool UsesCookies => false;

    /// <summary>Evaluates a client that connects.</summary>
    /// <param name="request">The client's request: a token may be in its headers or its query.</param>
    /// <param name="token">The token, if the client's protocol sends it apart from the request; <c>null</c> if it may be in the
    /// request.</param>
    /// <param name="cancellationToken">Canceled when the client has disconnected.</param>
    ValueTask<ConnectResult> ConnectAsync(UpgradeRequest request, string? token, CancellationToken cancellationToken);

    /// <summary>Evaluates a client that subscribes to a room.</summary>
    /// <param name="client">The client's identity.</param>
    /// <param name="room">The room, a name that <see cref="RelayNode.Allows"/>.</param>
    /// <param name="token">A token for this room; <c>null</c> if the client sent none.</param>
    /// <param name="cancellationToken">Canceled when the client has disconnected.</param>
    ValueTask<RoomAccessResult> SubscribeAsync(ClientIdentity client, string room, string? token, CancellationToken cancellationToken);

    /// <summary>Whether a client may publish to a room. Called for every message, so it must not wait.</summary>
    bool MayPublish(ClientIdentity client, string room);
}

/// <summary>Why access is refused.</summary>
public enum AccessRefusal
{
    /// <summary>Not refused.</summary>
    None,

    /// <summary>The client sent no token, and one is required.</summary>
    Missing,

    /// <summary>The token has expired; a new one is accepted.</summary>
    Expired,

    /// <summary>The token is not from a trusted issuer, not for this server, or not for this use.</summary>
    Invalid,

    /// <summary>The client is authenticated, and has no right.</summary>
    Denied,

    /// <summary>The decision cannot be made now, because a service that it needs does not answer; the client may retry later.</summary>
    Unavailable,
}

/// <summary>The result of a connect.</summary>
/// <param name="Identity">The client's identity; <c>null</c> if refused.</param>
/// <param name="Refusal">Why it is refused.</param>
public readonly record struct ConnectResult(ClientIdentity? Identity, AccessRefusal Refusal)
{
    /// <summary>The client is admitted.</summary>
    public static ConnectResult Allow(ClientIdentity identity) => new(identity, AccessRefusal.None);

    /// <summary>The client is refused.</summary>
    public static ConnectResult Refuse(AccessRefusal why) => new(null, why);
}

/// <summary>The result of a request to subscribe to a room.</summary>
/// <param name="Refusal">Why it is refused; <see cref="AccessRefusal.None"/> if it is granted.</param>
/// <param name="ExpiresAt">When the grant ends; <c>null</c> if with the connection.</param>
/// <param name="Info">The token's data on the client in this room, as JSON for its presence; empty if none.</param>
public readonly record struct RoomAccessResult(AccessRefusal Refusal, DateTimeOffset? ExpiresAt = null, ReadOnlyMemory<byte> Info = default)
{
    /// <summary>The client may subscribe, as long as it is connected.</summary>
    public static RoomAccessResult Allow => default;

    /// <summary>True if the client may subscribe.</summary>
    public bool IsAllowed => Refusal == AccessRefusal.None;
}
