namespace Weir.Protocol;

/// <summary>
/// Every MUST of RFC 6455 sections 5.1 to 5.5 that can be checked by a client's frame header alone, before a byte of payload is
/// buffered. Size limits are policy, not protocol, and are checked elsewhere.
/// </summary>
internal static class FrameRules
{
    private static readonly ProtocolFault _notMasked = Broken("client frame not masked (RFC 6455 5.1)");
    private static readonly ProtocolFault _rsv1 =
        Broken("RSV1 set but permessage-deflate not negotiated (RFC 6455 5.2)");
    private static readonly ProtocolFault _rsv1NotFirst =
        Broken("RSV1 set on a control or continuation frame (RFC 7692 6.1)");
    private static readonly ProtocolFault _rsv23 =
        Broken("RSV2 or RSV3 set, no extension defines them (RFC 6455 5.2)");
    private static readonly ProtocolFault _highBit =
        Broken("64-bit payload length has its high bit set (RFC 6455 5.2)");
    private static readonly ProtocolFault _notMinimal =
        Broken("payload length not minimally encoded (RFC 6455 5.2)");
    private static readonly ProtocolFault _dataInsideMessage =
        Broken("new data frame inside a fragmented message (RFC 6455 5.4)");
    private static readonly ProtocolFault _nothingToContinue =
        Broken("continuation frame without a message to continue (RFC 6455 5.4)");
    private static readonly ProtocolFault _controlFragmented = Broken("fragmented control frame (RFC 6455 5.5)");
    private static readonly ProtocolFault _controlTooLong =
        Broken("control frame payload longer than 125 bytes (RFC 6455 5.5)");

    // Indexed by opcode, so that the reason names it without building a string per bad frame.
    private static readonly ProtocolFault[] _reservedOpcode =
        [.. Enumerable.Range(0, 16).Select(opcode => Broken($"reserved opcode 0x{opcode:X} (RFC 6455 5.2)"))];

    /// <summary>Checks one header; returns the first violated rule, <c>null</c> if there is none.</summary>
    /// <param name="header">A frame received by a server.</param>
    /// <param name="messageInProgress">A data message has begun and its FIN frame has not arrived yet.</param>
    /// <param name="deflateNegotiated">RSV1 may mark the first frame of a data message (RFC 7692 section 6).</param>
    public static ProtocolFault? Check(in FrameHeader header, bool messageInProgress, bool deflateNegotiated)
    {
        // 5.1: "The server MUST close the connection upon receiving a frame that is not masked."
        if (!header.Masked)
        {
            return _notMasked;
        }

        // 5.2: "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values."
        if (header.Rsv != 0 && CheckRsv(header, deflateNegotiated) is { } rsvFault)
        {
            return rsvFault;
        }

        // 5.2: "the minimal number of bytes MUST be used to encode the length"; "the most significant bit MUST be 0".
        if (!header.MinimalLength)
        {
            return header.PayloadLength == long.MaxValue ? _highBit : _notMinimal;
        }

        switch (header.Opcode)
        {
            // 5.4: the frames of one message must not be interleaved with those of another.
            case Opcode.Text or Opcode.Binary:
                return messageInProgress ? _dataInsideMessage : null;
            case Opcode.Continuation:
                return messageInProgress ? null : _nothingToContinue;

            // 5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented."
            // They may be sent between the frames of a message.
            case Opcode.Close or Opcode.Ping or Opcode.Pong:
                return !header.Fin ? _controlFragmented
                    : header.PayloadLength > FrameHeader.MaxControlPayload ? _controlTooLong
                    : null;

            // 5.2: "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."
            default:
                return _reservedOpcode[(byte)header.Opcode & 0x0F];
        }
    }

    private static ProtocolFault? CheckRsv(in FrameHeader header, bool deflateNegotiated)
    {
        if ((header.Rsv & 0b011) != 0)
        {
            return _rsv23;
        }

        if (!deflateNegotiated)
        {
            return _rsv1;
        }

        // RFC 7692 6.1: "An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames and non-first
        // fragments of a data message."
        return header.IsControl || header.Opcode == Opcode.Continuation ? _rsv1NotFirst : null;
    }

    private static ProtocolFault Broken(string rule) => new(CloseCode.ProtocolError, rule);
}
