using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Weir.Limits;

/// <summary>
/// Who a connection is counted for: an IPv4 address, or the /64 network of an IPv6 address, within which one host has all
/// the addresses it likes (RFC 4291 section 2.5.1).
/// </summary>
internal readonly record struct AddressKey(bool IsIPv6, ulong Prefix)
{
    /// <summary>Null for what is no IP address: a Unix socket, an in-memory transport.</summary>
    public static AddressKey? Of(IPAddress? address)
    {
        if (address is null)
        {
            return null;
        }

        Span<byte> bytes = stackalloc byte[16];
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        return !address.TryWriteBytes(bytes, out _) ? null
            : address.AddressFamily == AddressFamily.InterNetwork ? new AddressKey(false, BinaryPrimitives.ReadUInt32BigEndian(bytes))
            : new AddressKey(true, BinaryPrimitives.ReadUInt64BigEndian(bytes));
    }
}
