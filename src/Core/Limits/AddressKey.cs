using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Weir.Limits;

/// <summary>
/// The unit by which connections are counted: an IPv4 address, or the /64 network of an IPv6 address, in which one host can use
/// any address (RFC 4291 section 2.5.1).
/// </summary>
internal readonly record struct AddressKey(bool IsIPv6, ulong Prefix)
{
    /// <summary><c>null</c> if there is no IP address: a Unix socket, an in-memory transport.</summary>
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
