using System.Buffers;
using System.Buffers.Binary;
using System.Net;

namespace Weir.Proxy;

/// <summary>
/// The header of version 2 (proxy-protocol.txt 2.2): a signature of 12 bytes; version and command; family and transport;
/// the length, in two bytes, of what follows, which is the addresses and then any extra fields (<see cref="ProxyFields"/>).
/// </summary>
internal static class ProxyBinaryHeader
{
    /// <summary>The most that may follow the fixed part. Known senders stay in a packet; a certificate's names may not.</summary>
    public const int MaxBodyBytes = 4096;

    private const int FixedBytes = 16;
    private const int Version = 2;

    public static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    private enum Command
    {
        Local = 0,
        Proxy = 1,
    }

    private enum Family
    {
        Unspecified = 0,
        IPv4 = 1,
        IPv6 = 2,
        Unix = 3,
    }

    // A datagram's addresses are read like a stream's.
    private enum Transport
    {
        Unspecified = 0,
        Stream = 1,
        Datagram = 2,
    }

    /// <summary>Checks the fixed part as soon as it has arrived, before waiting for more bytes.</summary>
    /// <param name="front">The first bytes of the connection, at least the fixed part of 16 if there are so many.</param>
    /// <param name="buffer">All bytes.</param>
    public static ProxyHeader Read(ReadOnlySpan<byte> front, in ReadOnlySequence<byte> buffer)
    {
        if (front.Length < FixedBytes)
        {
            return ProxyHeader.Incomplete;
        }

        Command command = (Command)(front[12] & 0xF);
        if (front[12] >> 4 != Version || command > Command.Proxy)
        {
            return ProxyHeader.Malformed("its version or command is unknown");
        }

        // "Receivers MUST always consider this field": a LOCAL header may have a body as well.
        int length = FixedBytes + BinaryPrimitives.ReadUInt16BigEndian(front[14..]);
        if (length > FixedBytes + MaxBodyBytes)
        {
            return ProxyHeader.Malformed("it is too long");
        }

        Family family = (Family)(front[13] >> 4);
        Transport transport = (Transport)(front[13] & 0xF);
        if (command == Command.Proxy)
        {
            if (family > Family.Unix || transport > Transport.Datagram)
            {
                return ProxyHeader.Malformed("its family or transport is unknown");
            }

            if (length < FixedBytes + AddressBytes(family, transport))
            {
                return ProxyHeader.Malformed("it is too short for its addresses");
            }
        }

        if (buffer.Length < length)
        {
            return ProxyHeader.Incomplete;
        }

        // LOCAL: "must use the real connection endpoints and discard the protocol block including the family".
        return command == Command.Proxy && transport != Transport.Unspecified && family is Family.IPv4 or Family.IPv6
            ? Parse(Contiguous(buffer.Slice(0, length)), FixedBytes + AddressBytes(family, transport))
            : ProxyHeader.WithoutAddresses(length);
    }

    private static ProxyHeader Parse(ReadOnlySpan<byte> header, int fieldsStart)
    {
        if (ProxyFields.FaultOf(header, fieldsStart) is { } fault)
        {
            return ProxyHeader.Malformed(fault);
        }

        // Two addresses, then two ports.
        ReadOnlySpan<byte> ports = header[(fieldsStart - 4)..fieldsStart];
        ReadOnlySpan<byte> addresses = header[FixedBytes..(fieldsStart - 4)];
        int size = addresses.Length / 2;
        return ProxyHeader.WithAddresses(
            header.Length,
            new IPEndPoint(new IPAddress(addresses[..size]), BinaryPrimitives.ReadUInt16BigEndian(ports)),
            new IPEndPoint(new IPAddress(addresses[size..]), BinaryPrimitives.ReadUInt16BigEndian(ports[2..])));
    }

    private static int AddressBytes(Family family, Transport transport) => family switch
    {
        _ when transport == Transport.Unspecified => 0,
        Family.IPv4 => (2 * 4) + 4,
        Family.IPv6 => (2 * 16) + 4,
        Family.Unix => 2 * 108,
        _ => 0,
    };

    // Only a header that straddles two pipe blocks is copied.
    private static ReadOnlySpan<byte> Contiguous(in ReadOnlySequence<byte> bytes)
        => bytes.IsSingleSegment ? bytes.FirstSpan : bytes.ToArray();
}
