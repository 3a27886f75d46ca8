using System.Buffers.Binary;
using System.Net;

namespace Weir.LoadTest.Client;

/// <summary>
/// Where connections come from. One address has about 28,000 ports towards one server; a loopback server can be reached from
/// any address of 127.0.0.0/8, so more connections take more addresses. Elsewhere the system chooses, unless addresses are given.
/// </summary>
internal sealed class SourceAddresses
{
    // Of the 28,232 ports of Linux's default range a connect looks through every other one first. Beyond those 14,116 it searches
    // longer and longer: with 18,000 from one address the client took a whole core to open 1,400 a second.
    private const int PerAddress = 10_000;

    // 127.0.0.1 is the server's; those from .10 on are free.
    private const uint First = 0x7F00_000A;

    private readonly uint _first;

    private SourceAddresses(uint first, int count)
    {
        _first = first;
        Count = count;
    }

    /// <summary>How many; 0: the system chooses.</summary>
    public int Count { get; }

    /// <param name="range">"127.0.0.2-127.0.0.9", or one address; null: as many of loopback's as it takes.</param>
    /// <exception cref="FormatException">No range of IPv4 addresses.</exception>
    public static SourceAddresses For(IPAddress server, int connections, string? range)
    {
        if (range is null)
        {
            return new SourceAddresses(First, IPAddress.IsLoopback(server) ? ((connections - 1) / PerAddress) + 1 : 0);
        }

        string[] ends = range.Split('-');
        uint first = Parse(ends[0]);
        uint last = Parse(ends[^1]);
        return ends.Length <= 2 && last >= first && last - first < 1 << 16
            ? new SourceAddresses(first, (int)(last - first + 1))
            : throw new FormatException($"'{range}' is no range of addresses like 127.0.0.2-127.0.0.9.");
    }

    /// <summary>The address of the connection of this number, in network order; null: any.</summary>
    public uint? Of(int number)
    {
        if (Count == 0)
        {
            return null;
        }

        uint address = _first + (uint)(number % Count);
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(address) : address;
    }

    private static uint Parse(string text)
        => IPAddress.TryParse(text.Trim(), out IPAddress? address) && address.GetAddressBytes() is { Length: 4 } bytes
            ? BinaryPrimitives.ReadUInt32BigEndian(bytes)
            : throw new FormatException($"'{text}' is no IPv4 address.");
}
