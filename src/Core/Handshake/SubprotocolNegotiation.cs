namespace Weir.Handshake;

/// <summary>Selects the subprotocol of a connection (RFC 6455 1.9 and 4.2.2).</summary>
internal static class SubprotocolNegotiation
{
    /// <summary>
    /// The first supported name that the client offers, compared exactly; <c>null</c> if there is none, and the response then
    /// names none. An offer with an element that is not a token counts as no offer; a name offered twice, though RFC 6455 4.1
    /// forbids it, is harmless.
    /// </summary>
    /// <param name="clientOffer">All lines of Sec-WebSocket-Protocol as one list, or <c>null</c>.</param>
    /// <param name="supported">The server's names in order of preference.</param>
    public static string? Select(string? clientOffer, IReadOnlyList<string> supported)
    {
        if (clientOffer is null || !IsTokenList(clientOffer))
        {
            return null;
        }

        for (int i = 0; i < supported.Count; i++)
        {
            if (Offers(clientOffer, supported[i]))
            {
                return supported[i];
            }
        }

        return null;
    }

    private static bool IsTokenList(ReadOnlySpan<char> offer)
    {
        foreach (Range range in offer.Split(','))
        {
            ReadOnlySpan<char> element = offer[range].Trim(" \t");
            if (!element.IsEmpty && !HttpSyntax.IsToken(element))
            {
                return false;
            }
        }

        return true;
    }

    private static bool Offers(ReadOnlySpan<char> offer, string name)
    {
        foreach (Range range in offer.Split(','))
        {
            ReadOnlySpan<char> element = offer[range].Trim(" \t");
            if (!element.IsEmpty && element.SequenceEqual(name))
            {
                return true;
            }
        }

        return false;
    }
}
