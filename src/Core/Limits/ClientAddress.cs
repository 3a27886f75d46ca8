using System.Net;
using Microsoft.AspNetCore.Http;
using Weir.Handshake;

namespace Weir.Limits;

/// <summary>Determines a client's address.</summary>
internal static class ClientAddress
{
    private const string ForwardedFor = "X-Forwarded-For";

    /// <summary>
    /// The remote address, or, if that is a trusted proxy's, the one from X-Forwarded-For: read from its end, the first address
    /// that is not a trusted proxy's. The client could have written the text before it.
    /// </summary>
    /// <param name="address">The remote address; <c>null</c> for a Unix socket's peer.</param>
    /// <param name="request">The request.</param>
    /// <param name="proxies">Which proxies are trusted.</param>
    public static IPAddress? Of(IPAddress? address, UpgradeRequest request, ProxyTrust proxies) =>
        MayForward(address, proxies) ? LastUntrusted(address, request.GetHeader(ForwardedFor), proxies.Networks) : address;

    /// <inheritdoc cref="Of(IPAddress?, UpgradeRequest, ProxyTrust)"/>
    /// <param name="address">The remote address; <c>null</c> for a Unix socket's peer.</param>
    /// <param name="headers">The headers of the request.</param>
    /// <param name="proxies">Which proxies are trusted.</param>
    public static IPAddress? Of(IPAddress? address, IHeaderDictionary headers, ProxyTrust proxies) =>
        MayForward(address, proxies) ? LastUntrusted(address, headers[ForwardedFor].ToString(), proxies.Networks) : address;

    private static bool MayForward(IPAddress? address, ProxyTrust proxies) =>
        address is null ? proxies.UnixSockets : proxies.Networks.Count > 0 && IsTrusted(address, proxies.Networks);

    private static IPAddress? LastUntrusted(IPAddress? address, ReadOnlySpan<char> forwardedFor, IReadOnlyList<IPNetwork> trusted)
    {
        ReadOnlySpan<char> rest = forwardedFor;
        while (!rest.IsEmpty)
        {
            int comma = rest.LastIndexOf(',');
            if (!TryParse(rest[(comma + 1)..].Trim(), out IPAddress? hop))
            {
                return address; // malformed: the last address that can be trusted
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

    /// <summary>Returns whether an address is in one of the networks; an IPv4-mapped IPv6 address counts as IPv4.</summary>
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
