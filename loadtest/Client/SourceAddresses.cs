using System.Buffers.Binary;
using System.Net;

namespace Weir.LoadTest.Client;

/// <summary>
/// Where connections come from. One address has about 28,000 ports towards one server; a loopback server can be reached from
/// any address of 127.0.0.0/8, so more connections take more addresses. To other servers the system chooses.
/// </summary>
internal sealed class SourceAddresses(IPAddress server, int connections)
{
    // Well below the 28,232 of Linux's default range, some of which others use.
    private const int PerAddress = 20_000;

    // 127.0.0.1 is the server's; those from .10 on are nobody's.
    private const uint First = 0x7F00_000A;

    private readonly int _count = IPAddress.IsLoopback(server) ? ((connections - 1) / PerAddress) + 1 : 0;

    public int Count => Math.Max(1, _count);

    /// <summary>The address of the connection of this number, in network order; null: any.</summary>
    public uint? Of(int number)
    {
        if (_count == 0)
        {
            return null;
        }

        uint address = First + (uint)(number % _count);
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(address) : address;
    }
}
