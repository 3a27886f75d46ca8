using System.Net;

namespace Weir.Limits;

/// <summary>Finds out where a client really is.</summary>
internal static class ClientAddress
{
    /// <summary>
    /// The remote address, or what X-Forwarded-For says when the remote is a trusted proxy: read from its end, the first
    /// address that is not a trusted proxy's. What stands before that the client could have written itself.
    /// </summary>
    public static IPAddress? Of(IPAddress? address, UpgradeRequest request, IReadOnlyList<IPNetwork> trusted)
    {
        if (trusted.Count == 0 || address is null || !IsTrusted(address, trusted) || request.GetHeader("X-Forwarded-For") is not { } header)
        {
            return address;
        }

        ReadOnlySpan<char> rest = header;
        while (!rest.IsEmpty)
        {
            int comma = rest.LastIndexOf(',');
            if (!TryParse(rest[(comma + 1)..].Trim(), out IPAddress? hop))
            {
                return address; // garbage: as far as can be trusted
            }

            address = hop;
            if (!IsTrusted(hop, trusted))
            {
                return hop;
            }

            rest = comma < 0 ? default : rest[..comma];
        }

        return address;
    }

    /// <summary>Whether an address lies in one of the networks; an IPv4 address that IPv6 wraps counts as IPv4.</summary>
    internal static bool IsTrusted(IPAddress address, IReadOnlyList<IPNetwork> trusted)
    {
        IPAddress plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        foreach (IPNetwork network in trusted)
        {
            if (network.Contains(plain))
            {
                return true;
            }
        }

        return false;
    }

    // Some proxies add the port: 192.0.2.1:4711, [2001:db8::1]:4711.
    private static bool TryParse(ReadOnlySpan<char> text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IPAddress? address)
    {
        if (IPAddress.TryParse(text, out address))
        {
            return true;
        }

        bool hasPort = IPEndPoint.TryParse(text, out IPEndPoint? endPoint);
        address = endPoint?.Address;
        return hasPort;
    }
}
