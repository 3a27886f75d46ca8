using System.Text;
using Weir.Compression;
using Weir.Handshake;

namespace Weir.Connections;

/// <summary>What the two sides settle on in an accepted handshake.</summary>
/// <param name="Subprotocol">The one selected, or null.</param>
/// <param name="Deflate">permessage-deflate's parameters, or null.</param>
/// <param name="Extensions">The value of Sec-WebSocket-Extensions to answer with, or null.</param>
internal readonly record struct Agreement(string? Subprotocol, DeflateParameters? Deflate, string? Extensions)
{
    public static Agreement Reach(WeirEndpoint endpoint, in HandshakeVerdict verdict)
    {
        string? subprotocol = SelectSubprotocol(endpoint, verdict);
        if (endpoint.Deflate.Enabled
            && verdict.ExtensionOffer is { } offers
            && DeflateNegotiation.TryNegotiate(Encoding.Latin1.GetBytes(offers), endpoint.Deflate, out DeflateParameters parameters, out string response))
        {
            return new Agreement(subprotocol, parameters, response);
        }

        return new Agreement(subprotocol, null, null);
    }

    /// <summary>
    /// For a client that is refused by a close code. A browser that offered subprotocols fails a handshake whose answer names none
    /// (RFC 6455 4.1, step 6), and the page would see 1006 instead of the code.
    /// </summary>
    public static Agreement ReachForRefusal(WeirEndpoint endpoint, in HandshakeVerdict verdict) =>
        new(SelectSubprotocol(endpoint, verdict), null, null);

    private static string? SelectSubprotocol(WeirEndpoint endpoint, in HandshakeVerdict verdict) =>
        endpoint.Subprotocols.Count == 0 ? null : SubprotocolNegotiation.Select(verdict.SubprotocolOffer, endpoint.Subprotocols);
}
