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
        string? subprotocol = endpoint.Subprotocols.Count == 0 ? null
            : SubprotocolNegotiation.Select(verdict.SubprotocolOffer, endpoint.Subprotocols);
        if (endpoint.Deflate.Enabled
            && verdict.ExtensionOffer is { } offers
            && DeflateNegotiation.TryNegotiate(Encoding.Latin1.GetBytes(offers), endpoint.Deflate, out DeflateParameters parameters, out string response))
        {
            return new Agreement(subprotocol, parameters, response);
        }

        return new Agreement(subprotocol, null, null);
    }
}
