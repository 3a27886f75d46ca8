using System.Text;
using System.Text.Unicode;
using CsCheck;
using Weir.Protocol;
using Xunit;

namespace Weir.Core.Tests.Framing;

/// <summary>RFC 6455 8.1 and RFC 3629: text is validated fragment by fragment, and refused at once.</summary>
public class Utf8ValidatorTests
{
    // Any bytes; then bytes that keep near the edges of the grammar, where random ones seldom stay for long.
    private static readonly Gen<byte[]> _arbitrary = Gen.Byte.Array[0, 40];
    private static readonly byte[] _edgeBytes = Sequences.Hex(
        "00 7F 80 8F 90 9F A0 BF C0 C1 C2 DF E0 E1 EC ED EE EF F0 F1 F3 F4 F5 FF");
    private static readonly Gen<byte[]> _edges =
        Gen.Int[0, _edgeBytes.Length - 1].Select(i => _edgeBytes[i]).Array[0, 12];

    // Valid text of all four lengths behind a run of ASCII long enough for the vector path.
    private static readonly Gen<byte[]> _valid = Gen.Select(
        Gen.Int[0, 150],
        Gen.OneOf(Gen.Int[0, 0x7F], Gen.Int[0x80, 0x7FF], Gen.Int[0x800, 0xD7FF], Gen.Int[0xE000, 0x10FFFF])
            .Array[0, 30],
        (ascii, scalars) => Encoding.UTF8.GetBytes(
            new string('a', ascii) + string.Concat(scalars.Select(scalar => new Rune(scalar).ToString()))));

    private static readonly Gen<byte[]> _mutated = Gen.Select(_valid, Gen.Int[0, 1_000], Gen.Byte, (bytes, at, value) =>
    {
        if (bytes.Length > 0)
        {
            bytes[at % bytes.Length] = value;
        }

        return bytes;
    });

    private static readonly Gen<byte[]> _any = Gen.OneOf(_arbitrary, _edges, _valid, _mutated);

    [Theory]
    // First and last character of each length.
    [InlineData("00")]
    [InlineData("7F")]
    [InlineData("C2 80")]
    [InlineData("DF BF")]
    [InlineData("E0 A0 80")]
    [InlineData("EF BF BF")]
    [InlineData("F0 90 80 80")]
    [InlineData("F4 8F BF BF")]
    // The neighbours of the surrogates, the noncharacters, a byte order mark.
    [InlineData("ED 9F BF")]
    [InlineData("EE 80 80")]
    [InlineData("EF B7 90")]
    [InlineData("F0 9F BF BE")]
    [InlineData("EF BB BF")]
    // A Greek word, then mixed lengths.
    [InlineData("CE BA E1 BD B9 CF 83 CE BC CE B5")]
    [InlineData("41 E2 89 A2 CE 91 F0 9F 98 80 2E")]
    public void Append_ValidText_IsAcceptedInAnyTwoPieces(string hex)
    {
        byte[] bytes = Sequences.Hex(hex);
        for (int at = 0; at <= bytes.Length; at++)
        {
            Utf8Validator validator = default;
            Assert.True(validator.Append(bytes.AsSpan(..at)));
            Assert.Equal(Utf8Model.Validate(bytes.AsSpan(..at)).Complete, validator.IsComplete);
            Assert.True(validator.Append(bytes.AsSpan(at..)));
            Assert.True(validator.IsComplete);
        }
    }

    [Theory]
    // Continuation bytes without a lead; bytes that never occur.
    [InlineData("80", 0)]
    [InlineData("BF", 0)]
    [InlineData("41 80", 1)]
    [InlineData("C2 80 80", 2)]
    [InlineData("FE", 0)]
    [InlineData("FF", 0)]
    // Overlong forms.
    [InlineData("C0 80", 0)]
    [InlineData("C1 BF", 0)]
    [InlineData("E0 80 80", 1)]
    [InlineData("E0 9F BF", 1)]
    [InlineData("F0 80 80 80", 1)]
    [InlineData("F0 8F BF BF", 1)]
    // Surrogates, alone and as a pair.
    [InlineData("ED A0 80", 1)]
    [InlineData("ED BF BF", 1)]
    [InlineData("ED A0 80 ED B0 80", 1)]
    // Beyond U+10FFFF, and the five- and six-byte forms of old.
    [InlineData("F4 90 80 80", 1)]
    [InlineData("F5 80 80 80", 0)]
    [InlineData("F8 88 80 80 80", 0)]
    [InlineData("FC 84 80 80 80 80", 0)]
    // A character broken off by another.
    [InlineData("C2 41", 1)]
    [InlineData("E2 82 41", 2)]
    [InlineData("E2 C2 80", 1)]
    [InlineData("F0 9F 98 41", 3)]
    [InlineData("F0 9F F0 9F 98 80", 2)]
    // A valid word, then a surrogate, then ASCII.
    [InlineData("CE BA E1 BD B9 CF 83 CE BC CE B5 ED A0 80 65 64", 12)]
    public void Append_InvalidText_FailsAtItsFirstBadByte(string hex, int failsAt)
    {
        byte[] bytes = Sequences.Hex(hex);
        Assert.Equal(failsAt, Utf8Model.Validate(bytes).FailsAt);
        for (int at = 0; at <= bytes.Length; at++)
        {
            Utf8Validator validator = default;
            bool first = validator.Append(bytes.AsSpan(..at));
            Assert.Equal(at <= failsAt, first);
            Assert.False(first && validator.Append(bytes.AsSpan(at..)));
        }

        // The bad byte suffices: the validator does not wait for more.
        Utf8Validator atOnce = default;
        Assert.False(atOnce.Append(bytes.AsSpan(..(failsAt + 1))));
    }

    [Theory]
    [InlineData("C2")]
    [InlineData("E2 82")]
    [InlineData("F0 9F 98")]
    public void Reset_AfterAPartOfACharacter_DiscardsIt(string hex)
    {
        Utf8Validator validator = default;
        Assert.True(validator.Append(Sequences.Hex(hex)));
        Assert.True(validator.Append([]));
        Assert.False(validator.IsComplete);

        validator.Reset();

        Assert.True(validator.IsComplete);
        Assert.True(validator.Append("next"u8));
    }

    [Fact]
    public void Append_BadByteAnywhereInLongAscii_IsFound()
    {
        byte[] bytes = new byte[200];
        for (int at = 0; at < bytes.Length; at++)
        {
            Array.Fill(bytes, (byte)'a');
            bytes[at] = 0xFF;
            Utf8Validator validator = default;
            Assert.False(validator.Append(bytes), $"byte {at}");
        }
    }

    [Fact]
    public void Append_Whole_AgreesWithTheRuntime() => _any.Sample(bytes =>
    {
        Utf8Validator validator = default;
        return (validator.Append(bytes) && validator.IsComplete) == Utf8.IsValid(bytes);
    }, iter: 20_000);

    [Fact]
    public void Append_AnyPieces_FailsInThePieceOfTheFirstBadByte() =>
        Gen.Select(_any, Gen.Int[0, 200].Array[0, 6]).Sample((bytes, cuts) =>
        {
            (int failsAt, bool complete) = Utf8Model.Validate(bytes);
            Utf8Validator validator = default;
            int start = 0;
            foreach (int end in cuts.Where(cut => cut < bytes.Length).Order().Append(bytes.Length))
            {
                bool expected = failsAt < 0 || failsAt >= end;
                if (validator.Append(bytes.AsSpan(start..end)) != expected)
                {
                    return false;
                }

                if (!expected)
                {
                    return true;
                }

                start = end;
            }

            return validator.IsComplete == complete;
        }, iter: 20_000);

    [Fact]
    public void Append_ByteByByte_FailsAtTheModelsByte() => _any.Sample(bytes =>
    {
        Utf8Validator validator = default;
        int accepted = 0;
        while (accepted < bytes.Length && validator.Append(bytes.AsSpan(accepted, 1)))
        {
            accepted++;
        }

        int failsAt = Utf8Model.Validate(bytes).FailsAt;
        return accepted == (failsAt < 0 ? bytes.Length : failsAt);
    }, iter: 20_000);

    [Fact]
    public void Append_EveryThreeBytePrefix_AgreesWithTheModel()
    {
        // All 16.7 million would take seconds; the first two bytes in full with the edges of the third do not.
        byte[] thirds = Sequences.Hex("00 7F 80 8F 90 9F A0 BF C0 FF");
        byte[] bytes = new byte[3];
        for (int pair = 0; pair <= ushort.MaxValue; pair++)
        {
            foreach (byte third in thirds)
            {
                (bytes[0], bytes[1], bytes[2]) = ((byte)(pair >> 8), (byte)pair, third);
                (int failsAt, bool complete) = Utf8Model.Validate(bytes);
                Utf8Validator validator = default;
                bool accepted = validator.Append(bytes);
                Assert.True(accepted == failsAt < 0, Convert.ToHexString(bytes));
                Assert.True(!accepted || validator.IsComplete == complete, Convert.ToHexString(bytes));
            }
        }
    }
}
