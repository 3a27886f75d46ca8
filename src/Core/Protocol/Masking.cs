using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Weir.Protocol;

/// <summary>The XOR of RFC 6455 section 5.3, which masks and unmasks.</summary>
internal static class Masking
{
    /// <summary>
    /// XORs <paramref name="data"/> in place, the first byte in memory of <paramref name="maskingKey"/> with <c>data[0]</c>.
    /// Returns the key rotated for the byte after <paramref name="data"/>: a payload that arrives in parts is unmasked part by
    /// part by passing each result to the next call.
    /// </summary>
    public static uint Apply(Span<byte> data, uint maskingKey)
    {
        uint next = Rotate(maskingKey, data.Length);

        // Every block below is a multiple of the key's four bytes, so only the scalar tail depends on the phase. Each width
        // leaves less than one of its blocks to the next narrower one.
        if (Vector512.IsHardwareAccelerated && data.Length >= Vector512<byte>.Count)
        {
            Vector512<byte> key = Vector512.Create(maskingKey).AsByte();
            Span<Vector512<byte>> blocks = MemoryMarshal.Cast<byte, Vector512<byte>>(data);
            foreach (ref Vector512<byte> block in blocks)
            {
                block ^= key;
            }

            data = data[(blocks.Length * Vector512<byte>.Count)..];
        }

        if (Vector256.IsHardwareAccelerated && data.Length >= Vector256<byte>.Count)
        {
            Vector256<byte> key = Vector256.Create(maskingKey).AsByte();
            Span<Vector256<byte>> blocks = MemoryMarshal.Cast<byte, Vector256<byte>>(data);
            foreach (ref Vector256<byte> block in blocks)
            {
                block ^= key;
            }

            data = data[(blocks.Length * Vector256<byte>.Count)..];
        }

        if (Vector128.IsHardwareAccelerated && data.Length >= Vector128<byte>.Count)
        {
            Vector128<byte> key = Vector128.Create(maskingKey).AsByte();
            Span<Vector128<byte>> blocks = MemoryMarshal.Cast<byte, Vector128<byte>>(data);
            foreach (ref Vector128<byte> block in blocks)
            {
                block ^= key;
            }

            data = data[(blocks.Length * Vector128<byte>.Count)..];
        }

        if (data.Length >= sizeof(ulong))
        {
            ulong key = maskingKey | ((ulong)maskingKey << 32);
            Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(data);
            foreach (ref ulong word in words)
            {
                word ^= key;
            }

            data = data[(words.Length * sizeof(ulong))..];
        }

        if (data.Length >= sizeof(uint))
        {
            MemoryMarshal.AsRef<uint>(data) ^= maskingKey;
            data = data[sizeof(uint)..];
        }

        foreach (ref byte value in data)
        {
            value ^= FirstByte(maskingKey);
            maskingKey = Rotate(maskingKey, 1);
        }

        return next;
    }

    // The key is kept in memory order, so its first byte is the low one only on little-endian machines.
    private static byte FirstByte(uint key) => (byte)(BitConverter.IsLittleEndian ? key : key >> 24);

    /// <summary>The key rotated for the byte <paramref name="bytes"/> further on in the payload.</summary>
    public static uint Rotate(uint key, int bytes)
    {
        int bits = (bytes & 3) * 8;
        return BitConverter.IsLittleEndian ? BitOperations.RotateRight(key, bits) : BitOperations.RotateLeft(key, bits);
    }
}
