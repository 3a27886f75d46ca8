using Weir.TestSupport.MessageReading;
using Xunit;

namespace Weir.Core.Tests.Conformance;

/// <summary>RFC 7692: permessage-deflate as the server receives it. The key is 00000000, the payloads can be read.</summary>
public class Rfc7692Tests
{
    private static readonly MessageReaderSetup _takeover = new(Deflate: MessageReaderSetup.Takeover);
    private static readonly MessageReaderSetup _noTakeover = new(Deflate: MessageReaderSetup.NoTakeover);

    [Theory]
    [InlineData("RSV1 on a ping", "C9 80 00000000", "(RFC 7692 6.1)")]
    [InlineData("RSV1 on a close", "C8 82 00000000 03E8", "(RFC 7692 6.1)")]
    [InlineData("RSV1 on a continuation", "41 81 00000000 F2  C0 86 00000000 48CDC9C90700", "(RFC 7692 6.1)")]
    [InlineData("RSV1 on a continuation of a plain message", "01 81 00000000 41  C0 81 00000000 42", "(RFC 7692 6.1)")]
    [InlineData("RSV2 is still reserved", "A1 80 00000000", "(RFC 6455 5.2)")]
    [InlineData("RSV3 is still reserved, RSV1 or not", "D1 80 00000000", "(RFC 6455 5.2)")]
    public void Section_6_1_Rsv1MarksTheFirstFrameOfAMessageOnly(string rule, string frames, string section) =>
        CheckBoth(rule, frames, $"fault 1002 {section}");

    [Theory]
    [InlineData("7.2.3.1 one block", "C1 87 00000000 F248CDC9C90700", "text \"Hello\"")]
    [InlineData("7.2.3.1 in two frames", "41 83 00000000 F248CD  80 84 00000000 C9C90700", "text \"Hello\"")]
    [InlineData("7.2.3.3 stored", "C1 8B 00000000 000500FAFF48656C6C6F00", "text \"Hello\"")]
    [InlineData("7.2.3.4 BFINAL=1", "C1 88 00000000 F348CDC9C9070000", "text \"Hello\"")]
    [InlineData("7.2.3.4 BFINAL=1, the octet 00 left out", "C1 87 00000000 F348CDC9C90700", "text \"Hello\"")]
    [InlineData("7.2.3.5 two blocks", "C1 8D 00000000 F248050000 00FFFFCAC9C90700", "text \"Hello\"")]
    [InlineData("7.2.3.6 empty message", "C1 81 00000000 00", "text \"\"")]
    [InlineData("binary", "C2 87 00000000 F248CDC9C90700", "binary 48656C6C6F")]
    [InlineData("masked", "C1 87 37FA213D C5B2ECF4FEFD21", "text \"Hello\"")]
    [InlineData("the tail left on does no harm", "C1 8B 00000000 F248CDC9C907000000FFFF", "text \"Hello\"")]
    [InlineData(
        "7.2.1 fragmented anywhere, pings between, empty frames",
        """
        41 80 00000000
        00 81 00000000 F2
        89 81 00000000 01
        00 83 00000000 48CDC9
        00 80 00000000
        8A 80 00000000
        00 83 00000000 C90700
        80 80 00000000
        """,
        "ping 01 | pong  | text \"Hello\"")]
    [InlineData(
        "6. compressed and plain messages in turn",
        """
        C1 87 00000000 F248CDC9C90700
        81 81 00000000 41
        C2 87 00000000 F248CDC9C90700
        01 81 00000000 42  80 81 00000000 43
        C1 81 00000000 00
        """,
        "text \"Hello\" | text \"A\" | binary 48656C6C6F | text \"BC\" | text \"\"")]
    [InlineData("an empty message without even the octet 00", "C1 80 00000000", "text \"\"")]
    public void Section_7_2_CompressedMessages(string rule, string frames, string expected) =>
        CheckBoth(rule, frames, expected);

    [Theory]
    [InlineData("7.2.3.2 the second refers to the first", "")]
    [InlineData("a plain message between does not matter", "81 81 00000000 41")]
    [InlineData("an empty message between", "C1 81 00000000 00")]
    [InlineData("an empty message between, its octet 00 left out", "C1 80 00000000")]
    [InlineData("an empty message of empty frames between", "41 80 00000000  80 80 00000000")]
    public void Section_7_2_3_2_ContextTakeover(string rule, string between)
    {
        string frames = $"C1 87 00000000 F248CDC9C90700 {between} C1 85 00000000 F200110000";
        string middle = between switch { "" => "", ['8', ..] => "text \"A\" | ", _ => "text \"\" | " };
        Conformance.Check(rule, frames, $"text \"Hello\" | {middle}text \"Hello\"", _takeover);
        Conformance.Check(rule, frames, $"text \"Hello\" | {middle}fault 1007 (RFC 7692 7.2.2)", _noTakeover);
    }

    [Theory]
    [InlineData("reserved block type", "C2 88 00000000 07FFFFFFFFFFFFFF")]
    [InlineData("stored length without its complement", "C2 8A 00000000 000500000048656C6C6F")]
    [InlineData("a reference into a history that is not there", "C1 85 00000000 F200110000")]
    [InlineData("corrupt in the second fragment", "42 87 00000000 F248CDC9C90700  80 88 00000000 07FFFFFFFFFFFFFF")]
    [InlineData("corrupt in the tail: a stored block that wants more than there is", "C2 83 00000000 00 0100")]
    public void Section_7_2_2_CorruptDataFailsTheConnection(string rule, string frames) =>
        CheckBoth(rule, frames, "fault 1007 (RFC 7692 7.2.2)");

    [Fact]
    public void Section_7_2_2_WhatCameBeforeTheCorruptMessageStands() => CheckBoth(
        "good, corrupt",
        "C1 87 00000000 F248CDC9C90700  C2 88 00000000 07FFFFFFFFFFFFFF",
        "text \"Hello\" | fault 1007 (RFC 7692 7.2.2)");

    [Theory]
    [InlineData("stored FF", "C1 87 00000000 000100FEFFFF00")]
    [InlineData("ends in mid-character", "C1 87 00000000 000100FEFFE200")]
    [InlineData("ends in mid-character, in fragments", "41 86 00000000 000100FEFFE2  80 81 00000000 00")]
    public void TextIsValidatedAfterDecompression(string rule, string frames) =>
        CheckBoth(rule, frames, "fault 1007 (RFC 6455 8.1)");

    [Theory]
    [InlineData("not UTF-8, then corrupt", "C1 88 00000000 000100FEFF FF 0707", 1000, "fault 1007 (RFC 6455 8.1)")]
    [InlineData("too big, then corrupt", "C2 8A 00000000 000300FCFF 414243 0707", 2, "fault 1009")]
    [InlineData("not UTF-8, then too big", "C1 89 00000000 000300FCFF FF4243 00", 2, "fault 1007 (RFC 6455 8.1)")]
    [InlineData("too big, then not UTF-8", "C1 89 00000000 000300FCFF 4142FF 00", 2, "fault 1009")]
    public void OfTwoFaultsTheFirstCountsHoweverTheyArrive(string rule, string frames, int limit, string expected) =>
        Conformance.Check(rule, frames, expected, _takeover with { MaxMessageBytes = limit });

    [Fact]
    public void BinaryIsNotValidatedAsText() => CheckBoth("stored FF", "C2 87 00000000 000100FEFFFF00", "binary FF");

    private static void CheckBoth(string rule, string frames, string expected)
    {
        Conformance.Check(rule + ", takeover", frames, expected, _takeover);
        Conformance.Check(rule + ", no takeover", frames, expected, _noTakeover);
    }
}
