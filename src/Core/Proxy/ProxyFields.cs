using System.Buffers.Binary;
using System.Numerics;

namespace Weir.Proxy;

/// <summary>
/// The extra fields of a binary header: each has a type of one byte, a length of two, and a value. All are skipped except the
/// checksum (2.2.3), which a receiver that supports it must verify.
/// </summary>
internal static class ProxyFields
{
    private const byte ChecksumType = 0x03;
    private const int PrefixBytes = 3;

    /// <summary>The rule that the fields break, or null.</summary>
    /// <param name="header">The whole header.</param>
    /// <param name="at">Where its fields begin.</param>
    public static string? FaultOf(ReadOnlySpan<byte> header, int at)
    {
        int checksum = 0;
        while (at < header.Length)
        {
            if (header.Length - at < PrefixBytes)
            {
                return "an extra field is cut off";
            }

            int value = at + PrefixBytes;
            int next = value + BinaryPrimitives.ReadUInt16BigEndian(header[(at + 1)..]);
            if (next > header.Length)
            {
                return "an extra field is cut off";
            }

            if (header[at] == ChecksumType)
            {
                if (checksum != 0 || next != value + sizeof(uint))
                {
                    return "its checksum is malformed";
                }

                checksum = value;
            }

            at = next;
        }

        return checksum == 0 || IsRight(header, checksum) ? null : "its checksum is wrong";
    }

    // The sum is taken with zeros where it is written, most significant byte first as everything in a header.
    private static bool IsRight(ReadOnlySpan<byte> header, int checksum)
    {
        uint sum = Add(uint.MaxValue, header[..checksum]);
        sum = Add(sum, stackalloc byte[sizeof(uint)]);
        sum = Add(sum, header[(checksum + sizeof(uint))..]);
        return ~sum == BinaryPrimitives.ReadUInt32BigEndian(header[checksum..]);
    }

    private static uint Add(uint sum, ReadOnlySpan<byte> bytes)
    {
        foreach (byte each in bytes)
        {
            sum = BitOperations.Crc32C(sum, each);
        }

        return sum;
    }
}
