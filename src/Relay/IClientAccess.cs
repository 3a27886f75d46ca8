namespace Weir.Relay;

/// <summary>
/// Who may connect, and what they may do. Every way in asks the one that is among the application's services: the raw relay,
/// streams and protocols with rooms of their own. Without one, <see cref="OpenAccess"/>. Thread-safe.
/// </summary>
public interface IClientAccess
{
    /// <summary>
    /// Whether a client may be recognized by a cookie. Streams then answer pages of listed origins with
    /// <c>Access-Control-Allow-Credentials: true</c>, so that a browser sends the cookie across origins (Fetch standard, section
    /// 3.3). Default: false. Read once, when an endpoint is mapped.
    /// </summary>
    bool UsesCookies => false;

    /// <summary>Judges a client that wants to connect.</summary>
    /// <param name="request">The request that it came with: a token may be in its headers or its query.</param>
    /// <param name="token">The token, where the client's protocol brings it apart from the request; null: look into the request.</param>
    /// <param name="cancellationToken">The client has gone.</param>
    ValueTask<ConnectVerdict> ConnectAsync(UpgradeRequest request, string? token, CancellationToken cancellationToken);

    /// <summary>Judges a client that wants to listen to a room.</summary>
    /// <param name="client">Who it is.</param>
    /// <param name="room">The room, a name that <see cref="RelayNode.Allows"/>.</param>
    /// <param name="token">A token for this room; null: none was brought.</param>
    /// <param name="cancellationToken">The client has gone.</param>
    ValueTask<RoomVerdict> SubscribeAsync(ClientIdentity client, string room, string? token, CancellationToken cancellationToken);

    /// <summary>Whether a client may publish to a room. Asked for every message, so it must not wait.</summary>
    bool MayPublish(ClientIdentity client, string room);
}

/// <summary>Why somebody is refused.</summary>
public enum AccessRefusal
{
    /// <summary>Not refused.</summary>
    None,

    /// <summary>There is no token, and one is needed.</summary>
    Missing,

    /// <summary>The token was good once: a new one will do.</summary>
    Expired,

    /// <summary>The token is not one of ours, not for us, or not for this.</summary>
    Invalid,

    /// <summary>It is known who this is, and it may not.</summary>
    Denied,

    /// <summary>It cannot be said now, because what would know does not answer: worth coming back later.</summary>
    Unavailable,
}

/// <summary>What became of a connect.</summary>
/// <param name="Identity">Who it is; null when refused.</param>
/// <param name="Refusal">Why it is refused.</param>
public readonly record struct ConnectVerdict(ClientIdentity? Identity, AccessRefusal Refusal)
{
    /// <summary>The client is let in.</summary>
    public static ConnectVerdict Allow(ClientIdentity identity) => new(identity, AccessRefusal.None);

    /// <summary>The client is refused.</summary>
    public static ConnectVerdict Refuse(AccessRefusal why) => new(null, why);
}

/// <summary>What became of a wish to listen to a room.</summary>
/// <param name="Refusal">Why it is refused; none: it may.</param>
/// <param name="ExpiresAt">When the right ends; null: with the connection.</param>
/// <param name="Info">What the token says of the client in this room, as JSON for its presence; empty: nothing.</param>
public readonly record struct RoomVerdict(AccessRefusal Refusal, DateTimeOffset? ExpiresAt = null, ReadOnlyMemory<byte> Info = default)
{
    /// <summary>May listen, as long as it is connected.</summary>
    public static RoomVerdict Allow => default;

    /// <summary>True when the client may listen.</summary>
    public bool IsAllowed => Refusal == AccessRefusal.None;
}
