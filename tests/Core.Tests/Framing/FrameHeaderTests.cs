using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Weir.Protocol;
using Xunit;

namespace Weir.Core.Tests.Framing;

/// <summary>RFC 6455 5.2: the meaning of the header bytes, however they are split.</summary>
public class FrameHeaderTests
{
    private const string Key = "37FA213D";

    /// <summary>Hex, FIN, RSV, opcode, minimal, payload length. Masked frames all use the RFC's example key.</summary>
    public static TheoryData<string, bool, int, int, bool, long> Headers => new()
    {
        // 5.7: single-frame text "Hello", unmasked and masked.
        { "81 05", true, 0, 0x1, true, 5 },
        { "81 85 37FA213D", true, 0, 0x1, true, 5 },

        // 5.7: fragmented text, first and last frame.
        { "01 03", false, 0, 0x1, true, 3 },
        { "80 02", true, 0, 0x0, true, 2 },

        // 5.7: 256 bytes and 64 KiB of binary.
        { "82 7E 0100", true, 0, 0x2, true, 256 },
        { "82 7F 0000000000010000", true, 0, 0x2, true, 65536 },

        // 5.5: control frames.
        { "88 80 37FA213D", true, 0, 0x8, true, 0 },
        { "89 FD 37FA213D", true, 0, 0x9, true, 125 },
        { "8A 80 37FA213D", true, 0, 0xA, true, 0 },

        // Each RSV bit alone, then all; reserved opcodes pass undecided.
        { "C1 80 37FA213D", true, 4, 0x1, true, 0 },
        { "A1 80 37FA213D", true, 2, 0x1, true, 0 },
        { "91 80 37FA213D", true, 1, 0x1, true, 0 },
        { "7F 80 37FA213D", false, 7, 0xF, true, 0 },
        { "83 80 37FA213D", true, 0, 0x3, true, 0 },

        // The edges of the three length encodings.
        { "82 FD 37FA213D", true, 0, 0x2, true, 125 },
        { "82 FE 007E 37FA213D", true, 0, 0x2, true, 126 },
        { "82 FE FFFF 37FA213D", true, 0, 0x2, true, 65535 },
        { "82 FF 0000000000010000 37FA213D", true, 0, 0x2, true, 65536 },
        { "82 FF 7FFFFFFFFFFFFFFF 37FA213D", true, 0, 0x2, true, long.MaxValue },

        // Longer than needed.
        { "82 FE 0000 37FA213D", true, 0, 0x2, false, 0 },
        { "82 FE 007D 37FA213D", true, 0, 0x2, false, 125 },
        { "82 FF 0000000000000000 37FA213D", true, 0, 0x2, false, 0 },
        { "82 FF 000000000000007D 37FA213D", true, 0, 0x2, false, 125 },
        { "82 FF 000000000000FFFF 37FA213D", true, 0, 0x2, false, 65535 },

        // Hostile: the high bit set.
        { "82 FF 8000000000000000 37FA213D", true, 0, 0x2, false, long.MaxValue },
        { "82 FF 8000000000000005 37FA213D", true, 0, 0x2, false, long.MaxValue },
        { "82 FF FFFFFFFFFFFFFFFF 37FA213D", true, 0, 0x2, false, long.MaxValue },
        { "82 7F FFFFFFFFFFFFFFFF", true, 0, 0x2, false, long.MaxValue },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public void TryRead_AnySplit_DecodesTheSame(string hex, bool fin, int rsv, int opcode, bool minimal, long length)
    {
        byte[] exact = Sequences.Hex(hex);
        byte[] oversized = [.. exact, .. Enumerable.Repeat((byte)0xEE, 40)];
        List<FrameHeader> decoded = [];

        foreach (byte[] bytes in new[] { exact, oversized })
        {
            Assert.True(FrameHeader.TryRead(bytes, out FrameHeader fromSpan));
            decoded.Add(fromSpan);
            decoded.Add(Read(new ReadOnlySequence<byte>(bytes)));
            decoded.Add(Read(Sequences.ByteByByte(bytes)));
            decoded.AddRange(Enumerable.Range(0, bytes.Length + 1).Select(at => Read(Sequences.SplitAt(bytes, at))));
        }

        bool masked = hex.EndsWith(Key, StringComparison.Ordinal);
        Assert.All(decoded, header =>
        {
            Assert.Equal(fin, header.Fin);
            Assert.Equal(rsv, header.Rsv);
            Assert.Equal(rsv is 4 or 7, header.Rsv1);
            Assert.Equal((Opcode)opcode, header.Opcode);
            Assert.Equal(opcode >= 8, header.IsControl);
            Assert.Equal(masked, header.Masked);
            Assert.Equal(minimal, header.MinimalLength);
            Assert.Equal(length, header.PayloadLength);
            Assert.Equal(masked ? MemoryMarshal.Read<uint>(Sequences.Hex(Key)) : 0, header.MaskingKey);
            Assert.Equal(exact.Length, header.HeaderLength);
        });
    }

    [Theory]
    [MemberData(nameof(Headers))]
    public void TryRead_AnyPrefix_NeedsMore(string hex, bool fin, int rsv, int opcode, bool minimal, long length)
    {
        _ = (fin, rsv, opcode, minimal, length);
        byte[] bytes = Sequences.Hex(hex);
        for (int have = 0; have < bytes.Length; have++)
        {
            byte[] prefix = bytes[..have];
            Assert.False(FrameHeader.TryRead(prefix, out _), $"span of {have}");
            Assert.False(FrameHeader.TryRead(new ReadOnlySequence<byte>(prefix), out _), $"one segment of {have}");
            Assert.False(FrameHeader.TryRead(Sequences.ByteByByte(prefix), out _), $"{have} segments");
        }
    }

    [Theory]
    [InlineData(0, "82 00")]
    [InlineData(125, "82 7D")]
    [InlineData(126, "82 7E 007E")]
    [InlineData(65535, "82 7E FFFF")]
    [InlineData(65536, "82 7F 0000000000010000")]
    [InlineData(long.MaxValue, "82 7F 7FFFFFFFFFFFFFFF")]
    public void Write_AnyLength_IsMinimalAndCounted(long length, string expected)
    {
        byte[] bytes = Sequences.Hex(expected);
        byte[] destination = [.. Enumerable.Repeat((byte)0xEE, FrameHeader.MaxUnmaskedLength + 1)];

        int written = FrameHeader.Write(destination, Opcode.Binary, length);

        Assert.Equal(bytes.Length, written);
        Assert.Equal(bytes, destination[..written]);
        Assert.All(destination[written..], untouched => Assert.Equal(0xEE, untouched));
        Assert.Equal(written, FrameHeader.LengthOf(length));
    }

    [Theory]
    [InlineData(0x1, true, false, 0x81)]
    [InlineData(0x1, false, false, 0x01)]
    [InlineData(0x1, true, true, 0xC1)]
    [InlineData(0x2, false, true, 0x42)]
    [InlineData(0x0, true, false, 0x80)]
    [InlineData(0x8, true, false, 0x88)]
    [InlineData(0x9, true, false, 0x89)]
    [InlineData(0xA, true, false, 0x8A)]
    public void Write_Flags_LandInTheFirstByte(int opcode, bool fin, bool rsv1, int expected)
    {
        byte[] destination = new byte[2];
        FrameHeader.Write(destination, (Opcode)opcode, 7, fin, rsv1);
        Assert.Equal([(byte)expected, 7], destination);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(126, 3)]
    [InlineData(65536, 9)]
    public void Write_DestinationTooShort_ThrowsBeforeWriting(long length, int room)
    {
        byte[] destination = new byte[room];
        Assert.Throws<ArgumentOutOfRangeException>(() => FrameHeader.Write(destination, Opcode.Binary, length));
        Assert.All(destination, value => Assert.Equal(0, value));
    }

    [Fact]
    public void TryRead_EveryLength16_MatchesTheWrittenOne()
    {
        byte[] bytes = new byte[4];
        bytes[1] = 126;
        for (int length = 0; length <= ushort.MaxValue; length++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)length);
            Assert.True(FrameHeader.TryRead(bytes, out FrameHeader header));
            Assert.True(header.PayloadLength == length && header.MinimalLength == length >= 126, $"length {length}");
        }
    }

    private static FrameHeader Read(ReadOnlySequence<byte> sequence)
    {
        Assert.True(FrameHeader.TryRead(sequence, out FrameHeader header));
        return header;
    }
}
