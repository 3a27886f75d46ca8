using Xunit;

namespace Weir.Transports.Epoll.Tests.Sockets;

/// <summary>Bytes that show their position in a stream.</summary>
internal static class Pattern
{
    public static void Fill(Span<byte> bytes, long offset)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = At(offset + i);
        }
    }

    public static byte[] Of(int count, long offset = 0)
    {
        byte[] bytes = new byte[count];
        Fill(bytes, offset);
        return bytes;
    }

    public static void AssertIs(ReadOnlySpan<byte> bytes, long offset)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] != At(offset + i))
            {
                Assert.Fail($"Byte {offset + i} of the stream is {bytes[i]}, not {At(offset + i)}.");
            }
        }
    }

    // 251 is prime: no power of two, and so no buffer, is a multiple of its period.
    private static byte At(long offset) => (byte)((offset % 251) ^ (offset >> 16));
}
