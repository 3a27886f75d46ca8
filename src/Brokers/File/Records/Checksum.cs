using System.Buffers.Binary;
using System.Numerics;

namespace Weir.Brokers.File.Records;

/// <summary>CRC-32C, with the processor's instruction where it has one.</summary>
internal static class Checksum
{
    public static uint Of(long file, long record, ReadOnlySpan<byte> body)
    {
        uint crc = BitOperations.Crc32C(BitOperations.Crc32C(uint.MaxValue, (ulong)file), (ulong)record);
        for (; body.Length >= sizeof(ulong); body = body[sizeof(ulong)..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(body));
        }

        foreach (byte each in body)
        {
            crc = BitOperations.Crc32C(crc, each);
        }

        return ~crc;
    }
}
