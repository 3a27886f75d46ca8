using System.Diagnostics.CodeAnalysis;
using Weir.Protocol;

namespace Weir.Handshake;

/// <summary>
/// Why a handshake, or a request for a response stream, is refused, and the response. Immutable, so thread-safe. Every refusal by a
/// rule is one static instance, so that a flood of bad requests allocates nothing and tests can name the violated rule.
/// </summary>
/// <param name="StatusCode">The HTTP status.</param>
/// <param name="Reason">One line of ASCII: the body of the response.</param>
/// <param name="ExtraHeader">One header line without its line end; <c>null</c>: none.</param>
/// <param name="Name">Its value in metrics, one of a small set.</param>
/// <param name="CloseCode">
/// If not <c>null</c>, the upgrade is answered with 101, then closed with this code and the reason, which need not be ASCII then.
/// </param>
[Experimental("WEIR001")]
public sealed record HandshakeRefusal(
    int StatusCode, string Reason, string? ExtraHeader = null, string Name = "protocol", CloseCode? CloseCode = null)
{
    /// <summary>The time after which another attempt may succeed; <c>null</c>: the refusal is final.</summary>
    public TimeSpan? RetryAfter { get; private init; }

    // RFC 6455 4.2.2: a refused version is answered with the versions that the server supports.
    private const string OurVersion = "Sec-WebSocket-Version: 13";

    internal static readonly HandshakeRefusal BareLineFeed =
        new(400, "Lines must end in CR LF (RFC 9112 2.2).");

    internal static readonly HandshakeRefusal FoldedHeader =
        new(400, "Header lines must not be folded (RFC 9112 5.2).");

    internal static readonly HandshakeRefusal BadHeaderName =
        new(400, "A header line must begin with a token and a colon (RFC 9112 5).");

    internal static readonly HandshakeRefusal BadHeaderValue =
        new(400, "A header value must not hold control characters (RFC 9110 5.5).");

    /// <summary>
    /// For a request target that is not a URI (a space, a control or a byte beyond ASCII in it), or whose percent escapes are
    /// malformed or not UTF-8: decoded leniently, different names would become equal.
    /// </summary>
    internal static readonly HandshakeRefusal BadTarget =
        new(400, "The request target must be a URI whose percent escapes decode to UTF-8 (RFC 3986 2.1, RFC 3629 3).");

    internal static readonly HandshakeRefusal HttpTooOld =
        new(400, "The handshake needs HTTP/1.1 (RFC 6455 4.2.1).");

    internal static readonly HandshakeRefusal HttpUnknown =
        new(505, "The handshake needs HTTP/1.1 (RFC 6455 4.2.1).");

    internal static readonly HandshakeRefusal NotGet =
        new(400, "The handshake must be a GET request (RFC 6455 4.2.1).");

    internal static readonly HandshakeRefusal NotConnect =
        new(405, "The handshake over HTTP/2 must be a CONNECT request (RFC 8441 4).", "Allow: CONNECT");

    internal static readonly HandshakeRefusal HasBody =
        new(400, "The handshake must not have a body (RFC 6455 4.1).");

    internal static readonly HandshakeRefusal BadHost =
        new(400, "Exactly one valid Host is needed (RFC 9112 3.2).");

    internal static readonly HandshakeRefusal NoUpgrade =
        new(400, "Upgrade must name websocket (RFC 6455 4.2.1).");

    internal static readonly HandshakeRefusal NoConnectionUpgrade =
        new(400, "Connection must name Upgrade (RFC 6455 4.2.1).");

    /// <summary>For a plain request to the path of an endpoint.</summary>
    internal static readonly HandshakeRefusal UpgradeRequired =
        new(426, "This path speaks WebSocket only (RFC 6455).");

    internal static readonly HandshakeRefusal OtherVersion =
        new(426, "Sec-WebSocket-Version must be 13 (RFC 6455 4.4).", OurVersion);

    /// <summary>HTTP/2 has no Upgrade, which a 426 must name (RFC 9110 15.5.22, RFC 9113 8.2.2).</summary>
    internal static readonly HandshakeRefusal OtherVersionOverHttp2 =
        new(400, "Sec-WebSocket-Version must be 13 (RFC 6455 4.4).", OurVersion);

    /// <summary>RFC 9220 3: "unknown or is not supported, the server SHOULD respond to the request with a 501".</summary>
    internal static readonly HandshakeRefusal OtherProtocol =
        new(501, "The :protocol of an extended CONNECT must be websocket (RFC 8441 5).");

    internal static readonly HandshakeRefusal BadVersion =
        new(400, "Sec-WebSocket-Version must be one number (RFC 6455 4.3).", OurVersion);

    internal static readonly HandshakeRefusal BadKey =
        new(400, "Exactly one Sec-WebSocket-Key is needed: 16 bytes in base64 (RFC 6455 4.2.1).");

    /// <summary>For a page whose origin the endpoint does not allow.</summary>
    public static HandshakeRefusal ForbiddenOrigin { get; } =
        new(403, "This Origin may not connect (RFC 6455 10.2).", Name: "origin");

    /// <summary>Creates a refusal with a temporary cause: the response has a Retry-After (RFC 9110 10.2.3).</summary>
    /// <param name="statusCode">HTTP status.</param>
    /// <param name="reason">One line of ASCII: the body of the response.</param>
    /// <param name="retryAfterSeconds">The time after which another attempt may succeed, in seconds.</param>
    /// <param name="name">Its value in metrics, one of a small set.</param>
    public static HandshakeRefusal Temporary(int statusCode, string reason, int retryAfterSeconds, string name)
        => new(statusCode, reason, $"Retry-After: {retryAfterSeconds}", name) { RetryAfter = TimeSpan.FromSeconds(retryAfterSeconds) };

    /// <summary>For <see cref="HeadStatus.TooLarge"/>.</summary>
    internal static readonly HandshakeRefusal HeadTooLarge =
        new(431, "The request head is too large (RFC 6585 5).");
}
