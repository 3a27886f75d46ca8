using System.Diagnostics.CodeAnalysis;

namespace Weir.Handshake;

/// <summary>
/// The outcome of <see cref="HandshakeRules.Judge"/>: either a refusal, or what the response to an accepted
/// handshake needs. Points into the request, so that judging copies nothing.
/// </summary>
internal readonly struct HandshakeVerdict
{
    private readonly UpgradeRequest? _request;
    private readonly int _keyStart;
    private readonly bool _offersSubprotocols;
    private readonly bool _offersExtensions;

    public HandshakeVerdict(HandshakeRefusal refusal) => Refusal = refusal;

    /// <param name="request">The accepted request.</param>
    /// <param name="keyStart">Where its key lies in the head; 0 for an extended CONNECT, which has none.</param>
    /// <param name="offersSubprotocols">Whether Sec-WebSocket-Protocol is there.</param>
    /// <param name="offersExtensions">Whether Sec-WebSocket-Extensions is there.</param>
    public HandshakeVerdict(UpgradeRequest request, int keyStart, bool offersSubprotocols, bool offersExtensions)
    {
        _request = request;
        _keyStart = keyStart;
        _offersSubprotocols = offersSubprotocols;
        _offersExtensions = offersExtensions;
    }

    [MemberNotNullWhen(false, nameof(Refusal))]
    public bool IsAccepted => _request is not null;

    /// <summary>Why the handshake is refused; null when it is accepted.</summary>
    public HandshakeRefusal? Refusal { get; }

    /// <summary>The 24 bytes of Sec-WebSocket-Key; empty for an extended CONNECT.</summary>
    public ReadOnlySpan<byte> Key => _keyStart == 0 ? default : _request!.Head.Slice(_keyStart, HandshakeResponse.KeyLength);

    /// <summary>All lines of Sec-WebSocket-Protocol as one list, built when asked for; null when absent.</summary>
    public string? SubprotocolOffer => _offersSubprotocols ? _request!.GetHeader("Sec-WebSocket-Protocol") : null;

    /// <summary>All lines of Sec-WebSocket-Extensions as one list, built when asked for; null when absent.</summary>
    public string? ExtensionOffer => _offersExtensions ? _request!.GetHeader("Sec-WebSocket-Extensions") : null;
}
