using System.Text;
using Weir.Connections;
using Weir.Handshake;
using Weir.Protocol.Compression;

namespace Weir.Hosting;

/// <summary>The parameters agreed on in an accepted handshake.</summary>
/// <param name="Subprotocol">The selected one, or <c>null</c>.</param>
/// <param name="Deflate">permessage-deflate's parameters, or <c>null</c>.</param>
/// <param name="Extensions">The value of Sec-WebSocket-Extensions to answer with, or <c>null</c>.</param>
internal readonly record struct NegotiatedParameters(string? Subprotocol, DeflateParameters? Deflate, string? Extensions)
{
    public static NegotiatedParameters Reach(WeirEndpoint endpoint, in HandshakeResult handshake)
    {
        string? subprotocol = SelectSubprotocol(endpoint, handshake);
        if (endpoint.Deflate.Enabled
            && handshake.ExtensionOffer is { } offers
            && DeflateNegotiation.TryNegotiate(Encoding.Latin1.GetBytes(offers), endpoint.Deflate,
                out DeflateParameters parameters, out string response))
        {
            return new NegotiatedParameters(subprotocol, parameters, response);
        }

        return new NegotiatedParameters(subprotocol, null, null);
    }

    /// <summary>
    /// For a client that is refused by a close code. A browser that offered subprotocols fails a handshake whose answer names none
    /// (RFC 6455 4.1, step 6), and the page would see 1006 instead of the code.
    /// </summary>
    public static NegotiatedParameters ReachForRefusal(WeirEndpoint endpoint, in HandshakeResult handshake) =>
        new(SelectSubprotocol(endpoint, handshake), null, null);

    private static string? SelectSubprotocol(WeirEndpoint endpoint, in HandshakeResult handshake) =>
        endpoint.Subprotocols.Count == 0 ? null : SubprotocolNegotiation.Select(handshake.SubprotocolOffer, endpoint.Subprotocols);
}
