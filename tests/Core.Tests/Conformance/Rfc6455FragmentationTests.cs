using Xunit;

namespace Weir.Core.Tests.Conformance;

/// <summary>RFC 6455 section 5.4, and of section 5.5 what concerns control frames between fragments.</summary>
public class Rfc6455FragmentationTests
{
    [Theory]
    [InlineData(
        "two fragments (the example of 5.7, masked)",
        """
        01 83 37FA213D 7F9F4D  # text, FIN=0, "Hel"
        80 82 37FA213D 5B95    # continuation, FIN=1, "lo"
        """,
        "text \"Hello\"")]
    [InlineData(
        "binary in three",
        """
        02 81 00000000 01
        00 82 00000000 0203
        80 81 00000000 04
        """,
        "binary 01020304")]
    [InlineData(
        "empty fragments first, between and last",
        """
        02 80 00000000
        00 81 00000000 AA
        00 80 00000000
        00 80 00000000
        00 81 00000000 BB
        80 80 00000000
        """,
        "binary AABB")]
    [InlineData("all fragments empty, text", "01 80 00000000  00 80 00000000  80 80 00000000", "text \"\"")]
    [InlineData("all fragments empty, binary", "02 80 00000000  80 80 00000000", "binary ")]
    [InlineData(
        "one fragmented message after another, then one whole",
        """
        01 81 00000000 41  80 81 00000000 42
        02 81 00000000 43  80 81 00000000 44
        81 81 00000000 45
        """,
        "text \"AB\" | binary 4344 | text \"E\"")]
    [InlineData("a message that does not end", "01 81 00000000 41  00 81 00000000 42", "")]
    public void Section_5_4_FragmentsAreJoinedInOrder(string rule, string frames, string expected) =>
        Conformance.Check(rule, frames, expected);

    [Theory]
    [InlineData(
        "a ping between",
        """
        01 82 00000000 4865    # "He"
        89 81 00000000 07      # ping
        80 83 00000000 6C6C6F  # "llo"
        """,
        "ping 07 | text \"Hello\"")]
    [InlineData(
        "pings and pongs at every border, one empty",
        """
        89 80 00000000
        02 81 00000000 01
        8A 82 00000000 AABB
        89 80 00000000
        00 81 00000000 02
        89 81 00000000 CC
        80 81 00000000 03
        8A 80 00000000
        """,
        "ping  | pong AABB | ping  | ping CC | binary 010203 | pong ")]
    [InlineData(
        "a close between: the message never comes",
        """
        01 81 00000000 41
        88 82 00000000 03E8
        80 81 00000000 42
        """,
        "close 1000 \"\"")]
    public void Section_5_4_ControlFramesMayComeBetweenFragments(string rule, string frames, string expected) =>
        Conformance.Check(rule, frames, expected);

    [Theory]
    [InlineData("continuation first", "80 81 00000000 41", "")]
    [InlineData("continuation first, FIN=0", "00 80 00000000", "")]
    [InlineData("continuation after a whole message", "81 81 00000000 41  80 81 00000000 42", "text \"A\" | ")]
    [InlineData(
        "continuation after the last fragment", "01 81 00000000 41  80 81 00000000 42  80 81 00000000 43", "text \"AB\" | ")]
    [InlineData("continuation after a ping alone", "89 80 00000000  80 81 00000000 41", "ping  | ")]
    [InlineData("text inside text", "01 81 00000000 41  81 81 00000000 42", "")]
    [InlineData("text inside binary", "02 81 00000000 41  01 81 00000000 42", "")]
    [InlineData("binary inside text, an empty fragment so far", "01 80 00000000  82 81 00000000 42", "")]
    [InlineData("text inside text, behind a ping", "01 81 00000000 41  89 80 00000000  81 80 00000000", "ping  | ")]
    public void Section_5_4_FragmentsOutOfOrderFailTheConnection(string rule, string frames, string before) =>
        Conformance.Check(rule, frames, before + "fault 1002 (RFC 6455 5.4)");

    [Theory]
    [InlineData("fragmented ping", "09 80 00000000")]
    [InlineData("fragmented pong, with payload", "0A 81 00000000 41")]
    [InlineData("fragmented close", "08 82 00000000 03E8")]
    [InlineData("fragmented ping inside a message", "01 80 00000000  09 80 00000000")]
    [InlineData("ping of 126 bytes, by its header", "89 FE 007E 00000000")]
    [InlineData("pong of 65,536 bytes, by its header", "8A FF 0000000000010000 00000000")]
    [InlineData("close of 126 bytes, by its header", "88 FE 007E 00000000 03E8")]
    public void Section_5_5_ControlFramesAreShortAndWhole(string rule, string frames) =>
        Conformance.Check(rule, frames, "fault 1002 (RFC 6455 5.5)");
}
