using System.Buffers.Binary;
using System.Net;

namespace Weir.Transports.Epoll;

/// <summary>
/// A peer's address as the kernel returned it, in 16 bytes for IPv4, also if it is mapped to IPv6; converted to objects on
/// access.
/// </summary>
internal readonly struct RemoteAddress
{
    /// <summary>Enough for <c>sockaddr_un</c>, the largest kind.</summary>
    public const int MaxBytes = 112;

    private readonly IPEndPoint? _large;
    private readonly uint _address;
    private readonly ushort _port;
    private readonly Kind _kind;

    private RemoteAddress(IPEndPoint large)
        : this(0, 0, Kind.Large) => _large = large;

    private RemoteAddress(uint address, ushort port, Kind kind)
    {
        _address = address;
        _port = port;
        _kind = kind;
    }

    private enum Kind : byte
    {
        None,
        Inet,
        MappedInet,
        Large,
    }

    /// <summary>Reads a <c>sockaddr</c>. One that is not an IP address (a Unix socket's peer has none) reads as none.</summary>
    public static RemoteAddress Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 8)
        {
            return default;
        }

        int family = BitConverter.ToUInt16(bytes);
        ushort port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (family == Libc.FamilyInet)
        {
            return new RemoteAddress(BitConverter.ToUInt32(bytes[4..]), port, Kind.Inet);
        }

        if (family != Libc.FamilyInet6 || bytes.Length < 28)
        {
            return default;
        }

        IPAddress address = new(bytes.Slice(8, 16), BitConverter.ToUInt32(bytes[24..]));
        return address.IsIPv4MappedToIPv6
            ? new RemoteAddress(BitConverter.ToUInt32(bytes[20..]), port, Kind.MappedInet)
            : new RemoteAddress(new IPEndPoint(address, port));
    }

    public IPEndPoint? ToEndPoint() => _kind switch
    {
        Kind.Inet => new IPEndPoint(new IPAddress(_address), _port),
        Kind.MappedInet => new IPEndPoint(new IPAddress(_address).MapToIPv6(), _port),
        _ => _large,
    };
}
