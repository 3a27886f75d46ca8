using System.Buffers;

namespace Weir.Handshake;

/// <summary>
/// The rules for a client's opening handshake (RFC 6455 4.2.1), checked in one pass over the request header block. Whether the
/// origin is allowed and which subprotocol is selected are the endpoint's policy, not rules.
/// </summary>
internal static class HandshakeRules
{
    private static readonly SearchValues<byte> _base64 =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"u8);

    /// <summary>Checks a request. Never throws, whatever the client sent; allocates nothing.</summary>
    /// <param name="request">The request, with its header block as received.</param>
    /// <param name="extendedConnect">
    /// The request is an extended CONNECT (RFC 8441): :protocol and :authority, which the HTTP server has validated,
    /// replace Upgrade, Connection, key and Host.
    /// </param>
    public static HandshakeResult Validate(UpgradeRequest request, bool extendedConnect = false)
    {
        Findings found = default;
        HeaderReader headers = request.ReadHeaders();
        while (headers.MoveNext())
        {
            found.Add(headers);
        }

        HandshakeRefusal? refusal = headers.Fault
            ?? ValidateRequestLine(request, extendedConnect)
            ?? (request.HasReadableTarget ? null : HandshakeRefusal.BadTarget)
            ?? found.ValidateMessage(request, extendedConnect)
            ?? found.ValidateWebSocket(extendedConnect);
        return refusal is null
            ? new HandshakeResult(request, extendedConnect ? 0 : found.KeyStart, found.HasProtocols, found.HasExtensions)
            : new HandshakeResult(refusal);
    }

    private static HandshakeRefusal? ValidateRequestLine(UpgradeRequest request, bool extendedConnect)
    {
        if (extendedConnect)
        {
            return request.Method.SequenceEqual("CONNECT"u8) ? null : HandshakeRefusal.NotConnect;
        }

        if (!request.Method.SequenceEqual("GET"u8))
        {
            return HandshakeRefusal.NotGet;
        }

        if (request.HttpVersion.SequenceEqual("HTTP/1.1"u8))
        {
            return null;
        }

        // "HTTP/1.1 or higher": no higher 1.x exists, and a later major version has no upgrade of this kind.
        return request.HttpVersion.SequenceEqual("HTTP/1.0"u8) ? HandshakeRefusal.HttpTooOld : HandshakeRefusal.HttpUnknown;
    }

    // "a base64-encoded value that, when decoded, is 16 bytes in length" (RFC 6455 4.2.1): 22 characters and "==". The four spare
    // bits of the last character are not checked: the key is only ever hashed as text.
    private static bool IsKey(ReadOnlySpan<byte> value) =>
        value.Length == 24 && value.EndsWith("=="u8) && !value[..22].ContainsAnyExcept(_base64);

    // A number below 256 without leading zeros (RFC 6455 4.3).
    private static bool IsVersionNumber(ReadOnlySpan<byte> value)
    {
        if (value.Length is < 1 or > 3
            || value.ContainsAnyExceptInRange((byte)'0', (byte)'9')
            || (value[0] == '0' && value.Length > 1))
        {
            return false;
        }

        return value.Length < 3 || value.SequenceCompareTo("255"u8) <= 0;
    }

    /// <summary>The content of the header lines, collected before any rule is checked: their order has no meaning.</summary>
    private struct Findings
    {
        private int _hosts;
        private bool _hostIsBad;
        private bool _upgrades;
        private bool _connectionUpgrades;
        private int _versions;
        private bool _versionIs13;
        private bool _versionIsNumber;
        private int _keys;
        private bool _keyIsGood;
        private bool _hasBody;

        public int KeyStart { get; private set; }

        public bool HasProtocols { get; private set; }

        public bool HasExtensions { get; private set; }

        public void Add(in HeaderReader header)
        {
            ReadOnlySpan<byte> name = header.Name;
            ReadOnlySpan<byte> value = header.Value;
            if (HeaderNames.Is(name, HeaderNames.Host))
            {
                _hosts++;
                _hostIsBad = !HttpSyntax.IsHost(value);
            }
            else if (HeaderNames.Is(name, HeaderNames.Upgrade))
            {
                _upgrades |= HttpSyntax.ListHas(value, "websocket"u8);
            }
            else if (HeaderNames.Is(name, HeaderNames.Connection))
            {
                _connectionUpgrades |= HttpSyntax.ListHas(value, "upgrade"u8);
            }
            else if (HeaderNames.Is(name, HeaderNames.Version))
            {
                _versions++;
                _versionIs13 = value.SequenceEqual("13"u8);
                _versionIsNumber = IsVersionNumber(value);
            }
            else if (HeaderNames.Is(name, HeaderNames.Key))
            {
                _keys++;
                _keyIsGood = IsKey(value);
                KeyStart = header.ValueStart;
            }
            else if (HeaderNames.Is(name, HeaderNames.Protocol))
            {
                HasProtocols = true;
            }
            else if (HeaderNames.Is(name, HeaderNames.Extensions))
            {
                HasExtensions = true;
            }
            else if (HeaderNames.Is(name, HeaderNames.ContentLength))
            {
                _hasBody |= !value.SequenceEqual("0"u8);
            }
            else if (HeaderNames.Is(name, HeaderNames.TransferEncoding))
            {
                _hasBody = true;
            }
        }

        public readonly HandshakeRefusal? ValidateMessage(UpgradeRequest request, bool extendedConnect)
        {
            // Bytes of a body would be read as frames.
            if (_hasBody)
            {
                return HandshakeRefusal.HasBody;
            }

            if (extendedConnect)
            {
                return null;
            }

            // RFC 9112 3.2: 400 "to any request message that contains more than one Host header field line or a Host
            // header field with an invalid field value"; an absolute-form target is a second host to validate.
            bool targetHostIsBad = request.IsAbsoluteForm && !HttpSyntax.IsHost(request.TargetAuthority);
            return _hosts != 1 || _hostIsBad || targetHostIsBad ? HandshakeRefusal.BadHost : null;
        }

        public readonly HandshakeRefusal? ValidateWebSocket(bool extendedConnect)
        {
            if (!extendedConnect && !_upgrades)
            {
                return HandshakeRefusal.NoUpgrade;
            }

            if (!extendedConnect && !_connectionUpgrades)
            {
                return HandshakeRefusal.NoConnectionUpgrade;
            }

            // Before the key, whose form depends on the version. A missing version means an older one: the first drafts of the
            // protocol had no such header.
            HandshakeRefusal other = extendedConnect ? HandshakeRefusal.OtherVersionOverHttp2 : HandshakeRefusal.OtherVersion;
            if (_versions == 0)
            {
                return other;
            }

            if (_versions > 1 || !_versionIs13)
            {
                return _versions == 1 && _versionIsNumber ? other : HandshakeRefusal.BadVersion;
            }

            // RFC 6455 11.3.1: the key "MUST NOT appear more than once".
            return extendedConnect || (_keys == 1 && _keyIsGood) ? null : HandshakeRefusal.BadKey;
        }
    }
}
