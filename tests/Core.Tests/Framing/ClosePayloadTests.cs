using System.Text;
using CsCheck;
using Weir.Protocol;
using Xunit;

namespace Weir.Core.Tests.Framing;

/// <summary>RFC 6455 5.5.1, 7.4.1 and 7.4.2.</summary>
public class ClosePayloadTests
{
    private const string LocalOnly = "close code 1005, 1006 or 1015 must not be sent (RFC 6455 7.4.1)";
    private const string NotAssigned = "close code 1004 or 1016-2999 is not assigned (RFC 6455 7.4)";
    private const string OutOfRange = "close code outside 1000-4999 (RFC 6455 7.4.2)";
    private const string NotUtf8 = "close reason is not UTF-8 (RFC 6455 5.5.1)";

    [Theory]
    [InlineData("", CloseCode.NoStatus, "")]
    [InlineData("03E8", CloseCode.Normal, "")]
    [InlineData("03E9 627965", CloseCode.GoingAway, "bye")]
    [InlineData("0FA0 E282AC", (CloseCode)4000, "\u20AC")]
    public void TryRead_WellFormed_GivesCodeAndReason(string hex, CloseCode code, string reason)
    {
        Assert.Null(ClosePayload.Read(Sequences.Hex(hex), out CloseCode readCode, out string readReason));
        Assert.Equal(code, readCode);
        Assert.Equal(reason, readReason);
    }

    [Theory]
    // 5.5.1: the body, if any, begins with two bytes of code.
    [InlineData("03", CloseCode.ProtocolError, "close payload of one byte (RFC 6455 5.5.1)")]
    // 7.4.1: codes for local use only.
    [InlineData("03ED", CloseCode.ProtocolError, LocalOnly)]
    [InlineData("03EE 6869", CloseCode.ProtocolError, LocalOnly)]
    [InlineData("03F7", CloseCode.ProtocolError, LocalOnly)]
    // 7.4: reserved or not yet assigned.
    [InlineData("03EC", CloseCode.ProtocolError, NotAssigned)]
    [InlineData("0BB7", CloseCode.ProtocolError, NotAssigned)]
    // 7.4.2: 0-999 are not used, and no code is defined from 5000 on.
    [InlineData("03E7", CloseCode.ProtocolError, OutOfRange)]
    [InlineData("1388", CloseCode.ProtocolError, OutOfRange)]
    // 5.5.1: the reason is UTF-8; a truncated character is not. A bad code weighs more than a bad reason.
    [InlineData("03E8 FF", CloseCode.InvalidPayload, NotUtf8)]
    [InlineData("03E8 6F6B E282", CloseCode.InvalidPayload, NotUtf8)]
    [InlineData("03E8 EDA080", CloseCode.InvalidPayload, NotUtf8)]
    [InlineData("0000 FF", CloseCode.ProtocolError, OutOfRange)]
    public void TryRead_Malformed_IsAFault(string hex, CloseCode answer, string reason)
    {
        ProtocolFault? fault = ClosePayload.Read(Sequences.Hex(hex), out CloseCode code, out string text);
        Assert.Equal(new ProtocolFault(answer, reason), fault);
        Assert.Equal(CloseCode.NoStatus, code);
        Assert.Equal("", text);
    }

    [Fact]
    public void TryReadAndWrite_EveryCode_AllowTheSameOnes()
    {
        byte[] buffer = new byte[ClosePayload.MaxLength];
        for (int value = 0; value <= ushort.MaxValue; value++)
        {
            CloseCode code = (CloseCode)value;
            bool allowed = value is (>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999);

            byte[] payload = [(byte)(value >> 8), (byte)value];
            Assert.True(allowed == (ClosePayload.Read(payload, out CloseCode read, out _) is null), $"read {value}");
            Assert.Equal(allowed ? code : CloseCode.NoStatus, read);

            if (allowed)
            {
                Assert.Equal(2, ClosePayload.Write(buffer, code, ""));
                Assert.Equal(payload, buffer[..2]);
            }
            else if (code != CloseCode.NoStatus)
            {
                Assert.Throws<ArgumentOutOfRangeException>(() => ClosePayload.Write(buffer, code, ""));
            }
        }
    }

    [Fact]
    public void Write_NoStatus_WritesNothingEvenWithAReason() =>
        Assert.Equal(0, ClosePayload.Write([], CloseCode.NoStatus, "ignored"));

    [Fact]
    public void Write_DestinationTooShort_Throws() => Assert.Throws<ArgumentOutOfRangeException>(
        () => ClosePayload.Write(new byte[ClosePayload.MaxLength - 1], CloseCode.Normal, ""));

    [Theory]
    // 123 bytes fit whole; one more character is left out whole, whatever its length.
    [InlineData(123, "", 123)]
    [InlineData(123, "b", 123)]
    [InlineData(122, "\u00E9", 122)]
    [InlineData(121, "\u00E9", 123)]
    [InlineData(121, "\u20AC", 121)]
    [InlineData(120, "\u20AC", 123)]
    [InlineData(120, "\U0001F600", 120)]
    [InlineData(119, "\U0001F600", 123)]
    [InlineData(50_000, "", 123)]
    public void Write_LongReason_IsTruncatedAtACharacter(int ascii, string then, int reasonBytes)
    {
        byte[] buffer = [.. Enumerable.Repeat((byte)0xEE, 200)];

        int written = ClosePayload.Write(buffer, CloseCode.PolicyViolation, new string('a', ascii) + then);

        Assert.Equal(2 + reasonBytes, written);
        Assert.All(buffer[ClosePayload.MaxLength..], untouched => Assert.Equal(0xEE, untouched));
        Assert.Null(ClosePayload.Read(buffer.AsSpan(..written), out _, out string reason));
        Assert.StartsWith(reason, new string('a', ascii) + then, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_LoneSurrogate_BecomesTheReplacementCharacter()
    {
        byte[] buffer = new byte[ClosePayload.MaxLength];
        int written = ClosePayload.Write(buffer, CloseCode.Normal, "x\uD800");
        Assert.Equal(Sequences.Hex("03E8 78 EFBFBD"), buffer[..written]);
    }

    [Fact]
    public void Write_AnyReason_ReadsBackAsItsLongestFittingPrefix() =>
        Gen.OneOf(Gen.Int[0x20, 0x7E], Gen.Int[0x80, 0xD7FF], Gen.Int[0xE000, 0x10FFFF]).Array[0, 150].Sample(scalars =>
        {
            StringBuilder prefix = new();
            int bytes = 0;
            foreach (Rune rune in scalars.Select(scalar => new Rune(scalar)))
            {
                bytes += rune.Utf8SequenceLength;
                if (bytes > 123)
                {
                    break;
                }

                prefix.Append(rune.ToString());
            }

            byte[] buffer = new byte[ClosePayload.MaxLength];
            string whole = string.Concat(scalars.Select(scalar => new Rune(scalar).ToString()));
            int written = ClosePayload.Write(buffer, (CloseCode)4321, whole);

            return ClosePayload.Read(buffer.AsSpan(..written), out CloseCode code, out string reason) is null
                && code == (CloseCode)4321 && reason == prefix.ToString();
        }, iter: 5_000);
}
