using System.Globalization;
using System.Text;

namespace Weir.Protocol.Compression;

/// <summary>
/// Answers the client's offers of permessage-deflate (RFC 7692 5.1, 7.1). Stateless.
/// </summary>
internal static class DeflateNegotiation
{
    /// <summary>
    /// Selects the first acceptable offer; the client lists them in order of preference. An offer with an unknown, repeated or
    /// out-of-range parameter is declined (7.1), and a header that violates the grammar counts as no offer: the handshake then
    /// continues without the extension.
    /// </summary>
    /// <param name="offers">The value of Sec-WebSocket-Extensions, several fields joined by commas; or empty.</param>
    /// <param name="settings">The server's settings.</param>
    /// <param name="parameters">The negotiated parameters.</param>
    /// <param name="response">The value of Sec-WebSocket-Extensions in the response.</param>
    /// <returns><c>false</c> if the response has no such header.</returns>
    public static bool TryNegotiate(
        ReadOnlySpan<byte> offers, DeflateSettings settings, out DeflateParameters parameters, out string response)
    {
        parameters = default;
        response = "";
        if (!settings.Enabled)
        {
            return false;
        }

        Offer? accepted = null;
        var reader = new ExtensionReader(offers);
        while (reader.TryReadExtension(out ReadOnlySpan<byte> extension))
        {
            var offer = new Offer();
            bool acceptable = extension.SequenceEqual("permessage-deflate"u8);
            while (reader.TryReadParameter(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out bool given))
            {
                acceptable = acceptable && offer.TryAdd(name, value, given);
            }

            if (acceptable)
            {
                accepted ??= offer;
            }
        }

        if (reader.IsMalformed || accepted is null)
        {
            return false;
        }

        (parameters, response) = accepted.Value.Answer(settings);
        return true;
    }

    [Flags]
    private enum Named
    {
        None = 0,
        ServerMaxWindowBits = 1,
        ServerNoContextTakeover = 2,
        ClientMaxWindowBits = 4,
        ClientNoContextTakeover = 8,
    }

    /// <summary>One offer of permessage-deflate.</summary>
    private struct Offer
    {
        private const int DefaultBits = 15;

        private Named _named;
        private int _serverBits = DefaultBits;
        private int _clientBits = DefaultBits;

        public Offer()
        {
        }

        public bool TryAdd(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool hasValue)
        {
            Named parameter;
            bool valid;
            if (name.SequenceEqual("server_no_context_takeover"u8))
            {
                (parameter, valid) = (Named.ServerNoContextTakeover, !hasValue);
            }
            else if (name.SequenceEqual("client_no_context_takeover"u8))
            {
                (parameter, valid) = (Named.ClientNoContextTakeover, !hasValue);
            }
            else if (name.SequenceEqual("server_max_window_bits"u8))
            {
                // zlib has no raw deflate of 8 bits, so a client that insists on it gets no compression.
                parameter = Named.ServerMaxWindowBits;
                valid = TryParseBits(value, out _serverBits) && _serverBits > 8;
            }
            else if (name.SequenceEqual("client_max_window_bits"u8))
            {
                // 7.1.2.2: without a value it only means that the client supports the parameter.
                parameter = Named.ClientMaxWindowBits;
                valid = !hasValue || TryParseBits(value, out _clientBits);
            }
            else
            {
                return false;
            }

            bool repeated = (_named & parameter) != 0;
            _named |= parameter;
            return valid && !repeated;
        }

        public readonly (DeflateParameters Parameters, string Response) Answer(DeflateSettings settings)
        {
            var response = new StringBuilder("permessage-deflate");

            // 7.1.1: the client may request either, and the server may set it unasked. Clients that did not offer to drop their
            // context may keep it although they agree (all of Apple's do), so it is required of them only where configured.
            bool serverForgets = Has(Named.ServerNoContextTakeover) || !settings.ServerContextTakeover;
            if (serverForgets)
            {
                response.Append("; server_no_context_takeover");
            }

            bool clientForgets = Has(Named.ClientNoContextTakeover) || !settings.ClientContextTakeover;
            if (clientForgets)
            {
                response.Append("; client_no_context_takeover");
            }

            // 7.1.2.1: to be confirmed if offered, and may be set unasked.
            int serverBits = Math.Min(_serverBits, settings.ServerMaxWindowBits);
            if (Has(Named.ServerMaxWindowBits) || serverBits < DefaultBits)
            {
                response.Append(CultureInfo.InvariantCulture, $"; server_max_window_bits={serverBits}");
            }

            // 7.1.2.2: only a client that named the parameter can be limited. One that offered a smaller window already needs no
            // confirmation, and is inflated with a full window: some KB more, and safe if it exceeds its offer.
            int clientBits = DefaultBits;
            if (Has(Named.ClientMaxWindowBits) && settings.ClientMaxWindowBits < _clientBits)
            {
                clientBits = settings.ClientMaxWindowBits;
                response.Append(CultureInfo.InvariantCulture, $"; client_max_window_bits={clientBits}");
            }

            return (new DeflateParameters(serverBits, serverForgets, clientBits, clientForgets), response.ToString());
        }

        private readonly bool Has(Named parameter) => (_named & parameter) != 0;

        /// <summary>7.1.2: a decimal of 8 to 15 without leading zeros.</summary>
        private static bool TryParseBits(ReadOnlySpan<byte> value, out int bits)
        {
            bits = value switch
            {
                [>= (byte)'8' and <= (byte)'9' and var digit] => digit - '0',
                [(byte)'1', >= (byte)'0' and <= (byte)'5' and var digit] => 10 + digit - '0',
                _ => 0,
            };
            return bits != 0;
        }
    }
}
