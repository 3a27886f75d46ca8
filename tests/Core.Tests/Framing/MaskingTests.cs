using System.Runtime.InteropServices;
using CsCheck;
using Weir.Protocol;
using Xunit;

namespace Weir.Core.Tests.Framing;

/// <summary>RFC 6455 5.3: octet i of the payload is XORed with octet i modulo 4 of the key.</summary>
public class MaskingTests
{
    private static readonly byte[] _key = Sequences.Hex("37 FA 21 3D");

    [Fact]
    public void Apply_RfcExample_Hello()
    {
        // 5.7: a single-frame masked text message, "Hello".
        byte[] data = Sequences.Hex("7F 9F 4D 51 58");
        Masking.Apply(data, Key(0));
        Assert.Equal("Hello"u8.ToArray(), data);
    }

    [Fact]
    public void Apply_EveryLengthAndPhase_MatchesTheScalarModel()
    {
        byte[] plain = [.. Enumerable.Range(0, 300).Select(i => (byte)(i * 7))];
        for (int phase = 0; phase < 4; phase++)
        {
            for (int length = 0; length <= plain.Length; length++)
            {
                // Guard bytes behind the data show an overrun; an odd start shows that no path relies on alignment.
                byte[] data = [0xEE, .. plain[..length], 0xEE];
                uint next = Masking.Apply(data.AsSpan(1, length), Key(phase));

                byte[] expected = [0xEE, .. Model(plain[..length], phase), 0xEE];
                Assert.True(expected.AsSpan().SequenceEqual(data), $"length {length}, phase {phase}");
                Assert.Equal(Key(phase + length), next);
            }
        }
    }

    [Fact]
    public void Apply_SplitAnywhereWithTheRotatedKey_EqualsWhole() =>
        Gen.Select(Gen.Byte.Array[0, 600], Gen.UInt, Gen.Int[0, 600].Array[0, 5]).Sample((data, key, cuts) =>
        {
            byte[] whole = [.. data];
            uint afterWhole = Masking.Apply(whole, key);

            byte[] pieces = [.. data];
            uint rotated = key;
            int start = 0;
            foreach (int end in cuts.Where(cut => cut < data.Length).Order().Append(data.Length))
            {
                rotated = Masking.Apply(pieces.AsSpan(start..end), rotated);
                start = end;
            }

            return whole.AsSpan().SequenceEqual(pieces) && rotated == afterWhole;
        }, iter: 5_000);

    [Fact]
    public void Apply_Twice_RestoresTheData() =>
        Gen.Select(Gen.Byte.Array[0, 5_000], Gen.UInt).Sample((data, key) =>
        {
            byte[] copy = [.. data];
            Masking.Apply(copy, key);
            bool changed = key == 0 || data.Length < 4 || !copy.AsSpan().SequenceEqual(data);
            Masking.Apply(copy, key);
            return changed && copy.AsSpan().SequenceEqual(data);
        }, iter: 1_000);

    private static uint Key(int phase) =>
        MemoryMarshal.Read<uint>([.. Enumerable.Range(phase, 4).Select(i => _key[i % 4])]);

    private static byte[] Model(byte[] data, int phase) =>
        [.. data.Select((value, i) => (byte)(value ^ _key[(i + phase) % 4]))];
}
