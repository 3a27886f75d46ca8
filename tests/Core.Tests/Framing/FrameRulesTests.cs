using System.Text;
using Weir.Protocol;
using Weir.TestSupport;
using Xunit;

namespace Weir.Core.Tests.Framing;

/// <summary>A conformance table by RFC section, then every possible first two bytes against the legal set.</summary>
public class FrameRulesTests
{
    private const string NotMasked = "client frame not masked (RFC 6455 5.1)";
    private const string Rsv1 = "RSV1 set but permessage-deflate not negotiated (RFC 6455 5.2)";
    private const string Rsv23 = "RSV2 or RSV3 set, no extension defines them (RFC 6455 5.2)";
    private const string Rsv1NotFirst = "RSV1 set on a control or continuation frame (RFC 7692 6.1)";
    private const string NotMinimal = "payload length not minimally encoded (RFC 6455 5.2)";
    private const string HighBit = "64-bit payload length has its high bit set (RFC 6455 5.2)";
    private const string NothingToContinue = "continuation frame without a message to continue (RFC 6455 5.4)";
    private const string DataInsideMessage = "new data frame inside a fragmented message (RFC 6455 5.4)";
    private const string ControlFragmented = "fragmented control frame (RFC 6455 5.5)";
    private const string ControlTooLong = "control frame payload longer than 125 bytes (RFC 6455 5.5)";

    public enum State
    {
        Idle,
        InMessage,
    }

    [Theory]
    // 5.1: a client masks every frame, empty ones and control frames too.
    [InlineData("5.1", "81 00", State.Idle, false, NotMasked)]
    [InlineData("5.1", "89 00", State.Idle, false, NotMasked)]
    [InlineData("5.1", "80 05", State.InMessage, false, NotMasked)]
    // 5.2: RSV bits.
    [InlineData("5.2", "C1 80 00000000", State.Idle, false, Rsv1)]
    [InlineData("5.2", "C1 80 00000000", State.Idle, true, null)]
    [InlineData("5.2", "42 80 00000000", State.Idle, true, null)]
    [InlineData("5.2", "A1 80 00000000", State.Idle, true, Rsv23)]
    [InlineData("5.2", "91 80 00000000", State.Idle, true, Rsv23)]
    [InlineData("5.2", "E1 80 00000000", State.Idle, true, Rsv23)]
    // 7692 6.1: only the first frame of a data message carries RSV1.
    [InlineData("7692 6.1", "C0 80 00000000", State.InMessage, true, Rsv1NotFirst)]
    [InlineData("7692 6.1", "C8 80 00000000", State.Idle, true, Rsv1NotFirst)]
    [InlineData("7692 6.1", "C9 80 00000000", State.Idle, true, Rsv1NotFirst)]
    [InlineData("7692 6.1", "CA 80 00000000", State.Idle, true, Rsv1NotFirst)]
    // 5.2: reserved opcodes, data and control.
    [InlineData("5.2", "83 80 00000000", State.Idle, false, "reserved opcode 0x3 (RFC 6455 5.2)")]
    [InlineData("5.2", "87 80 00000000", State.InMessage, false, "reserved opcode 0x7 (RFC 6455 5.2)")]
    [InlineData("5.2", "8B 80 00000000", State.Idle, false, "reserved opcode 0xB (RFC 6455 5.2)")]
    [InlineData("5.2", "0F 80 00000000", State.InMessage, false, "reserved opcode 0xF (RFC 6455 5.2)")]
    // 5.2: payload length.
    [InlineData("5.2", "82 FE 007D 00000000", State.Idle, false, NotMinimal)]
    [InlineData("5.2", "82 FE 007E 00000000", State.Idle, false, null)]
    [InlineData("5.2", "82 FF 000000000000FFFF 00000000", State.Idle, false, NotMinimal)]
    [InlineData("5.2", "82 FF 0000000000010000 00000000", State.Idle, false, null)]
    [InlineData("5.2", "82 FF 7FFFFFFFFFFFFFFF 00000000", State.Idle, false, null)]
    [InlineData("5.2", "82 FF 8000000000000000 00000000", State.Idle, false, HighBit)]
    [InlineData("5.2", "82 FF FFFFFFFFFFFFFFFF 00000000", State.Idle, false, HighBit)]
    // 5.4: fragmentation.
    [InlineData("5.4", "80 80 00000000", State.Idle, false, NothingToContinue)]
    [InlineData("5.4", "00 80 00000000", State.Idle, false, NothingToContinue)]
    [InlineData("5.4", "00 80 00000000", State.InMessage, false, null)]
    [InlineData("5.4", "80 80 00000000", State.InMessage, false, null)]
    [InlineData("5.4", "81 80 00000000", State.InMessage, false, DataInsideMessage)]
    [InlineData("5.4", "02 80 00000000", State.InMessage, false, DataInsideMessage)]
    [InlineData("5.4", "C1 80 00000000", State.InMessage, true, DataInsideMessage)]
    // 5.5: control frames, which may come inside a message.
    [InlineData("5.5", "89 FD 00000000", State.Idle, false, null)]
    [InlineData("5.5", "89 80 00000000", State.InMessage, false, null)]
    [InlineData("5.5", "8A 80 00000000", State.InMessage, false, null)]
    [InlineData("5.5", "88 80 00000000", State.InMessage, false, null)]
    [InlineData("5.5", "08 80 00000000", State.Idle, false, ControlFragmented)]
    [InlineData("5.5", "09 80 00000000", State.InMessage, false, ControlFragmented)]
    [InlineData("5.5", "88 FE 007E 00000000", State.Idle, false, ControlTooLong)]
    [InlineData("5.5", "89 FE FFFF 00000000", State.Idle, false, ControlTooLong)]
    [InlineData("5.5", "8A FF 7FFFFFFFFFFFFFFF 00000000", State.Idle, false, ControlTooLong)]
    public void Check_Header_KeepsOrBreaksTheRule(string section, string hex, State state, bool deflate, string? reason)
    {
        Assert.True(FrameHeader.TryRead(Sequences.Hex(hex), out FrameHeader header), section);
        ProtocolFault? fault = FrameRules.Check(header, state == State.InMessage, deflate);
        Assert.Equal(reason, fault?.Reason);
        Assert.True(fault is null || fault.Code == CloseCode.ProtocolError);
    }

    [Theory]
    [InlineData(State.Idle, false, "01 02 81 82 88 89 8A")]
    [InlineData(State.Idle, true, "01 02 81 82 88 89 8A 41 42 C1 C2")]
    [InlineData(State.InMessage, false, "00 80 88 89 8A")]
    [InlineData(State.InMessage, true, "00 80 88 89 8A")]
    public void Check_EveryFirstTwoBytes_AcceptsTheLegalOnesOnly(State state, bool deflate, string legalFirstBytes)
    {
        byte[] legal = Sequences.Hex(legalFirstBytes);
        for (int first = 0; first <= 0xFF; first++)
        {
            for (int second = 0; second <= 0xFF; second++)
            {
                // All that may follow is FF, so an extended length is minimal in 16 bits and has its high bit in 64.
                byte[] bytes = [(byte)first, (byte)second, .. Enumerable.Repeat((byte)0xFF, 12)];
                Assert.True(FrameHeader.TryRead(bytes, out FrameHeader header));

                bool control = first is 0x88 or 0x89 or 0x8A;
                bool expected = legal.Contains((byte)first) && second >= 0x80 && second <= (control ? 0xFD : 0xFE);

                ProtocolFault? fault = FrameRules.Check(header, state == State.InMessage, deflate);
                Assert.True(expected == (fault is null), $"{first:X2} {second:X2}: {fault?.Reason}");
                Assert.True(fault is null || Encoding.UTF8.GetByteCount(fault.Reason) is > 0 and <= 123, fault?.Reason);
            }
        }
    }

    [Fact]
    public void Check_BrokenRules_AllocateNothing()
    {
        FrameHeader[] broken = new FrameHeader[4];
        Assert.True(FrameHeader.TryRead(Sequences.Hex("81 00"), out broken[0]));
        Assert.True(FrameHeader.TryRead(Sequences.Hex("A1 80 00000000"), out broken[1]));
        Assert.True(FrameHeader.TryRead(Sequences.Hex("83 80 00000000"), out broken[2]));
        Assert.True(FrameHeader.TryRead(Sequences.Hex("08 80 00000000"), out broken[3]));
        int faults = CountFaults(broken);

        Assert.Equal(0, Allocations.LeastOf(() => faults = CountFaults(broken)));
        Assert.Equal(broken.Length, faults);
    }

    private static int CountFaults(FrameHeader[] headers)
    {
        int faults = 0;
        foreach (ref readonly FrameHeader header in headers.AsSpan())
        {
            faults += FrameRules.Check(header, messageInProgress: false, deflateNegotiated: false) is null ? 0 : 1;
        }

        return faults;
    }
}
