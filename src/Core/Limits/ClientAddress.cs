using System.Net;
using Microsoft.AspNetCore.Http;

namespace Weir.Limits;

/// <summary>Finds out where a client really is.</summary>
internal static class ClientAddress
{
    private const string ForwardedFor = "X-Forwarded-For";

    /// <summary>
    /// The remote address, or what X-Forwarded-For says when the remote is a trusted proxy: read from its end, the first
    /// address that is not a trusted proxy's. What stands before that the client could have written itself.
    /// </summary>
    /// <param name="address">The remote address; null for a Unix socket's peer.</param>
    /// <param name="request">The request.</param>
    /// <param name="trusted">Where proxies are.</param>
    /// <param name="trustUnixSockets">Whether a peer without an address is a proxy.</param>
    public static IPAddress? Of(
        IPAddress? address, UpgradeRequest request, IReadOnlyList<IPNetwork> trusted, bool trustUnixSockets = false) =>
        MayForward(address, trusted, trustUnixSockets) ? LastUntrusted(address, request.GetHeader(ForwardedFor), trusted) : address;

    /// <inheritdoc cref="Of(IPAddress?, UpgradeRequest, IReadOnlyList{IPNetwork}, bool)"/>
    /// <param name="address">The remote address; null for a Unix socket's peer.</param>
    /// <param name="headers">The headers of the request.</param>
    /// <param name="options">Which proxies are trusted.</param>
    public static IPAddress? Of(IPAddress? address, IHeaderDictionary headers, WeirNodeOptions options) =>
        MayForward(address, options.TrustedProxies, options.TrustUnixSockets)
            ? LastUntrusted(address, headers[ForwardedFor].ToString(), options.TrustedProxies)
            : address;

    private static bool MayForward(IPAddress? address, IReadOnlyList<IPNetwork> trusted, bool trustUnixSockets) =>
        address is null ? trustUnixSockets : trusted.Count > 0 && IsTrusted(address, trusted);

    private static IPAddress? LastUntrusted(IPAddress? address, ReadOnlySpan<char> forwardedFor, IReadOnlyList<IPNetwork> trusted)
    {
        ReadOnlySpan<char> rest = forwardedFor;
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
