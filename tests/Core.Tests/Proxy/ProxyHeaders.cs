using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Weir.Core.Tests.Proxy;

/// <summary>Builds PROXY headers, legal or not; written apart from the engine's own reading of them on purpose.</summary>
internal static class ProxyHeaders
{
    public static readonly IPEndPoint Client = IPEndPoint.Parse("203.0.113.7:12345");
    public static readonly IPEndPoint Server = IPEndPoint.Parse("198.51.100.1:443");
    public static readonly IPEndPoint ClientIPv6 = IPEndPoint.Parse("[2001:db8::7]:12345");
    public static readonly IPEndPoint ServerIPv6 = IPEndPoint.Parse("[2001:db8:1::1]:443");

    /// <summary>From <see cref="Client"/> to <see cref="Server"/>.</summary>
    public static byte[] Text { get; } = Line("PROXY TCP4 203.0.113.7 198.51.100.1 12345 443\r\n");

    /// <inheritdoc cref="Text"/>
    public static byte[] BinaryIPv4 { get; } = Binary(0x21, 0x11, Addresses(Client, Server));

    /// <summary>From <see cref="ClientIPv6"/> to <see cref="ServerIPv6"/>.</summary>
    public static byte[] BinaryIPv6 { get; } = Binary(0x21, 0x21, Addresses(ClientIPv6, ServerIPv6));

    /// <summary>As <see cref="BinaryIPv4"/>, with a checksum among other fields.</summary>
    public static byte[] BinaryWithChecksum { get; } = WithChecksum(
        Binary(0x21, 0x11, [.. Addresses(Client, Server), .. Field(0x02, "a.example"u8), .. Field(0x03, new byte[4]), .. Field(0x04)]),
        at: 16 + 12 + 12 + 3);

    public static byte[] Line(string line) => Encoding.Latin1.GetBytes(line);

    public static byte[] Binary(byte versionAndCommand, byte familyAndTransport, ReadOnlySpan<byte> body, int? length = null)
    {
        byte[] bytes =
        [
            0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
            versionAndCommand, familyAndTransport, 0, 0,
            .. body,
        ];
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(14), checked((ushort)(length ?? body.Length)));
        return bytes;
    }

    public static byte[] Addresses(IPEndPoint source, IPEndPoint destination) =>
    [
        .. source.Address.GetAddressBytes(),
        .. destination.Address.GetAddressBytes(),
        (byte)(source.Port >> 8), (byte)source.Port, (byte)(destination.Port >> 8), (byte)destination.Port,
    ];

    public static byte[] Field(byte type, ReadOnlySpan<byte> value = default) =>
        [type, (byte)(value.Length >> 8), (byte)value.Length, .. value];

    /// <summary>Writes the checksum of the whole header at a place that holds zeros.</summary>
    public static byte[] WithChecksum(byte[] header, int at)
    {
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(at), Crc32C(header));
        return header;
    }

    // RFC 4960 appendix B's polynomial, bit by bit.
    private static uint Crc32C(byte[] bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte each in bytes)
        {
            crc ^= each;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78);
            }
        }

        return ~crc;
    }
}
