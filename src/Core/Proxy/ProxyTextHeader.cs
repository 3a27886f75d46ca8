using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace Weir.Proxy;

/// <summary>The header of version 1 (proxy-protocol.txt 2.1), one line of text: <c>PROXY TCP4 source destination port port</c>.</summary>
internal static class ProxyTextHeader
{
    /// <summary>"If the CRLF sequence is not found in the first 107 characters, the receiver should declare the line invalid."</summary>
    public const int MaxBytes = 107;

    private static readonly SearchValues<byte> _inAddresses = SearchValues.Create("0123456789ABCDEFabcdef:."u8);

    public static ReadOnlySpan<byte> Signature => "PROXY "u8;

    /// <param name="front">The first bytes of the connection, <see cref="MaxBytes"/> of them if there are so many.</param>
    public static ProxyHeader Read(ReadOnlySpan<byte> front)
    {
        ReadOnlySpan<byte> window = front.Length > MaxBytes ? front[..MaxBytes] : front;
        int end = window.IndexOfAny((byte)'\r', (byte)'\n');
        if (end < 0 || (window[end] == '\r' && end + 1 == window.Length))
        {
            return window.Length < MaxBytes ? ProxyHeader.Incomplete : ProxyHeader.Malformed("its line is too long");
        }

        // "The receiver must not tolerate a single CR or LF character to end the line."
        return window[end..].StartsWith("\r\n"u8)
            ? Parse(window[Signature.Length..end], end + 2)
            : ProxyHeader.Malformed("its line ends in a lone CR or LF");
    }

    private static ProxyHeader Parse(ReadOnlySpan<byte> fields, int length)
    {
        ReadOnlySpan<byte> protocol = TakeField(ref fields);
        if (protocol.SequenceEqual("UNKNOWN"u8))
        {
            return ProxyHeader.WithoutAddresses(length); // whatever follows in the line
        }

        bool isIPv6 = protocol.SequenceEqual("TCP6"u8);
        if (!isIPv6 && !protocol.SequenceEqual("TCP4"u8))
        {
            return ProxyHeader.Malformed("its protocol is none of TCP4, TCP6 and UNKNOWN");
        }

        if (!TryParseAddress(TakeField(ref fields), isIPv6, out IPAddress? source)
            || !TryParseAddress(TakeField(ref fields), isIPv6, out IPAddress? destination))
        {
            return ProxyHeader.Malformed("an address is malformed");
        }

        // The last field is all the rest: anything behind the port makes it no number.
        return TryParsePort(TakeField(ref fields), out int sourcePort) && TryParsePort(fields, out int destinationPort)
            ? ProxyHeader.WithAddresses(length, new IPEndPoint(source, sourcePort), new IPEndPoint(destination, destinationPort))
            : ProxyHeader.Malformed("a port is malformed");
    }

    // "Exactly one space": a second one makes an empty field, which no field may be.
    private static ReadOnlySpan<byte> TakeField(ref ReadOnlySpan<byte> rest)
    {
        int space = rest.IndexOf((byte)' ');
        ReadOnlySpan<byte> field = space < 0 ? rest : rest[..space];
        rest = space < 0 ? default : rest[(space + 1)..];
        return field;
    }

    private static bool TryParseAddress(
        ReadOnlySpan<byte> field, bool isIPv6, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IPAddress? address)
        => isIPv6 ? TryParseIPv6(field, out address) : TryParseIPv4(field, out address);

    // The framework also takes 1.2, 0x7F.1 and 010.0.0.1; what it writes is the one form that is allowed here.
    private static bool TryParseIPv4(
        ReadOnlySpan<byte> field, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IPAddress? address)
    {
        Span<byte> canonical = stackalloc byte[16];
        return IPAddress.TryParse(field, out address)
            && address.AddressFamily == AddressFamily.InterNetwork
            && address.TryFormat(canonical, out int written)
            && field.SequenceEqual(canonical[..written]);
    }

    // The framework also takes brackets, ports and scopes. Dots are what inet_ntop, so HAProxy, writes at the end of an
    // IPv4 address that IPv6 wraps.
    private static bool TryParseIPv6(
        ReadOnlySpan<byte> field, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        return !field.ContainsAnyExcept(_inAddresses)
            && (!field.Contains((byte)'.') || TryParseIPv4(field[(field.LastIndexOf((byte)':') + 1)..], out _))
            && IPAddress.TryParse(field, out address)
            && address.AddressFamily == AddressFamily.InterNetworkV6;
    }

    private static bool TryParsePort(ReadOnlySpan<byte> field, out int port)
    {
        port = 0;
        if (field.Length is 0 or > 5 || (field[0] == '0' && field.Length > 1)) // "Heading zeroes are not permitted"
        {
            return false;
        }

        foreach (byte digit in field)
        {
            if (!char.IsAsciiDigit((char)digit))
            {
                return false;
            }

            port = (port * 10) + (digit - '0');
        }

        return port <= IPEndPoint.MaxPort;
    }
}
