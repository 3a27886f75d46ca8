using System.Buffers.Binary;

namespace Weir.LoadTest.Client;

/// <summary>
/// Frames as a client sends them, made once: what a load client must not do per message is masking. The key is the same for
/// all, which RFC 6455 section 5.3 forbids clients that run foreign code; this one runs only its own.
/// </summary>
internal static class MaskedFrames
{
    public const uint MaskingKey = 0xA5C3_5AE7;

    /// <summary>Opens and closes the settling of a connection: the server answers when it has taken the connection up.</summary>
    public static byte[] Ping { get; } = Make(0x9, []);

    /// <summary>Begins the closing handshake, or answers the server's.</summary>
    public static byte[] Close(int code) => Make(ServerFrame.Close, [(byte)(code >> 8), (byte)code]);

    /// <summary>One whole frame.</summary>
    public static byte[] Make(int opcode, ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[HeaderLength(payload.Length) + payload.Length];
        Write(frame, opcode, payload);
        return frame;
    }

    /// <summary>Writes one whole frame.</summary>
    /// <returns>Its length.</returns>
    public static int Write(Span<byte> frame, int opcode, ReadOnlySpan<byte> payload)
    {
        int header = HeaderLength(payload.Length);
        frame[0] = (byte)(0x80 | opcode);
        switch (payload.Length)
        {
            case < 126:
                frame[1] = (byte)(0x80 | payload.Length);
                break;
            case <= ushort.MaxValue:
                frame[1] = 0x80 | 126;
                BinaryPrimitives.WriteUInt16BigEndian(frame[2..], (ushort)payload.Length);
                break;
            default:
                frame[1] = 0x80 | 127;
                BinaryPrimitives.WriteInt64BigEndian(frame[2..], payload.Length);
                break;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(frame[(header - 4)..], MaskingKey);
        for (int i = 0; i < payload.Length; i++)
        {
            frame[header + i] = (byte)(payload[i] ^ (MaskingKey >> (8 * (i % 4))));
        }

        return header + payload.Length;
    }

    /// <summary>With the masking key.</summary>
    public static int HeaderLength(int payloadLength) => payloadLength switch { < 126 => 6, <= ushort.MaxValue => 8, _ => 14 };
}
