using System.Diagnostics.CodeAnalysis;

namespace Weir.Handshake;

/// <summary>
/// The result of <see cref="HandshakeRules.Validate"/>: either a refusal, or the data for the response to an accepted handshake.
/// References the request, so that validation copies nothing.
/// </summary>
internal readonly struct HandshakeResult
{
    private readonly UpgradeRequest? _request;
    private readonly int _keyStart;
    private readonly bool _offersSubprotocols;
    private readonly bool _offersExtensions;

    public HandshakeResult(HandshakeRefusal refusal) => Refusal = refusal;

    /// <param name="request">The accepted request.</param>
    /// <param name="keyStart">Offset of its key in the request header block; 0 for an extended CONNECT, which has none.</param>
    /// <param name="offersSubprotocols">Whether the request has a Sec-WebSocket-Protocol.</param>
    /// <param name="offersExtensions">Whether the request has a Sec-WebSocket-Extensions.</param>
    public HandshakeResult(UpgradeRequest request, int keyStart, bool offersSubprotocols, bool offersExtensions)
    {
        _request = request;
        _keyStart = keyStart;
        _offersSubprotocols = offersSubprotocols;
        _offersExtensions = offersExtensions;
    }

    [MemberNotNullWhen(false, nameof(Refusal))]
    public bool IsAccepted => _request is not null;

    /// <summary>Why the handshake is refused; <c>null</c> if it is accepted.</summary>
    public HandshakeRefusal? Refusal { get; }

    /// <summary>The 24 bytes of Sec-WebSocket-Key; empty for an extended CONNECT.</summary>
    public ReadOnlySpan<byte> Key => _keyStart == 0 ? default : _request!.Head.Slice(_keyStart, HandshakeResponse.KeyLength);

    /// <summary>All lines of Sec-WebSocket-Protocol as one list, built on access; <c>null</c> if absent.</summary>
    public string? SubprotocolOffer => _offersSubprotocols ? _request!.GetHeader("Sec-WebSocket-Protocol") : null;

    /// <summary>All lines of Sec-WebSocket-Extensions as one list, built on access; <c>null</c> if absent.</summary>
    public string? ExtensionOffer => _offersExtensions ? _request!.GetHeader("Sec-WebSocket-Extensions") : null;
}
