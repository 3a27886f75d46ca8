using System.Buffers.Binary;
using System.Text;

namespace Weir.Testing;

/// <summary>How the payload length is written; RFC 6455 section 5.2 requires <see cref="Minimal"/>.</summary>
public enum LengthForm
{
    /// <summary>The shortest form that holds the length.</summary>
    Minimal,

    /// <summary>In the second byte; up to 125.</summary>
    Bits7,

    /// <summary>In two bytes after it; up to 65,535.</summary>
    Bits16,

    /// <summary>In eight bytes after it.</summary>
    Bits64,
}

/// <summary>
/// Builds client frames, legal or not, and parses server frames strictly. Independent of the engine's own framing on purpose: a
/// shared mistake would cancel out.
/// </summary>
public static partial class Frames
{
    /// <summary>The masking key of RFC 6455 section 5.7's example, 37 FA 21 3D.</summary>
    public const uint ExampleKey = 0x37FA213D;

    /// <summary>A client frame: header and masked payload.</summary>
    /// <param name="opcode">0 to 15; illegal ones are built too.</param>
    /// <param name="rsv">RSV1 is 4, RSV2 is 2, RSV3 is 1.</param>
    /// <param name="key">In wire order, most significant byte first.</param>
    /// <param name="masked">False builds a frame that a client must not send.</param>
    public static byte[] Client(
        int opcode,
        ReadOnlySpan<byte> payload,
        bool fin = true,
        int rsv = 0,
        uint key = ExampleKey,
        LengthForm form = LengthForm.Minimal,
        bool masked = true)
    {
        byte[] header = ClientHeader(opcode, (ulong)payload.Length, fin, rsv, key, form, masked);
        byte[] frame = new byte[header.Length + payload.Length];
        header.CopyTo(frame, 0);
        payload.CopyTo(frame.AsSpan(header.Length));
        if (masked)
        {
            Mask(frame.AsSpan(header.Length), key);
        }

        return frame;
    }

    /// <summary>A header alone, whose <paramref name="length"/> may announce a payload that never arrives.</summary>
    public static byte[] ClientHeader(
        int opcode,
        ulong length,
        bool fin = true,
        int rsv = 0,
        uint key = ExampleKey,
        LengthForm form = LengthForm.Minimal,
        bool masked = true)
    {
        if (form == LengthForm.Minimal)
        {
            form = MinimalForm(length);
        }

        Span<byte> header = stackalloc byte[14];
        header[0] = (byte)((fin ? 0x80 : 0) | ((rsv & 7) << 4) | (opcode & 0xF));
        int mask = masked ? 0x80 : 0;
        int used;
        switch (form)
        {
            case LengthForm.Bits7:
                ArgumentOutOfRangeException.ThrowIfGreaterThan(length, 125u);
                header[1] = (byte)(mask | (int)length);
                used = 2;
                break;
            case LengthForm.Bits16:
                header[1] = (byte)(mask | 126);
                BinaryPrimitives.WriteUInt16BigEndian(header[2..], checked((ushort)length));
                used = 4;
                break;
            default:
                header[1] = (byte)(mask | 127);
                BinaryPrimitives.WriteUInt64BigEndian(header[2..], length);
                used = 10;
                break;
        }

        if (masked)
        {
            BinaryPrimitives.WriteUInt32BigEndian(header[used..], key);
            used += 4;
        }

        return header[..used].ToArray();
    }

    /// <summary>A text frame (opcode 1).</summary>
    public static byte[] Text(string text, bool fin = true) => Client(0x1, Encoding.UTF8.GetBytes(text), fin);

    /// <summary>A binary frame (opcode 2).</summary>
    public static byte[] Binary(ReadOnlySpan<byte> payload, bool fin = true) => Client(0x2, payload, fin);

    /// <summary>A continuation frame (opcode 0).</summary>
    public static byte[] Continuation(ReadOnlySpan<byte> payload, bool fin = true) => Client(0x0, payload, fin);

    /// <summary>A Ping frame (opcode 9).</summary>
    public static byte[] Ping(ReadOnlySpan<byte> payload = default) => Client(0x9, payload);

    /// <summary>A Pong frame (opcode 10).</summary>
    public static byte[] Pong(ReadOnlySpan<byte> payload = default) => Client(0xA, payload);

    /// <summary>A Close frame; <c>null</c> omits code and reason.</summary>
    public static byte[] Close(int? code = 1000, string reason = "")
    {
        if (code is null)
        {
            return Client(0x8, []);
        }

        byte[] utf8 = Encoding.UTF8.GetBytes(reason);
        byte[] payload = new byte[2 + utf8.Length];
        BinaryPrimitives.WriteUInt16BigEndian(payload, checked((ushort)code.Value));
        utf8.CopyTo(payload, 2);
        return Client(0x8, payload);
    }

    /// <summary>A request to upgrade, RFC 6455 section 4.1.</summary>
    /// <param name="path">The path with its query.</param>
    /// <param name="headers">More lines, each with its CR LF.</param>
    /// <param name="host">The value of <c>Host</c>.</param>
    /// <param name="key">The <c>Sec-WebSocket-Key</c>; that of section 1.3 by default.</param>
    public static byte[] UpgradeRequest(
        string path = "/", string headers = "", string host = "localhost", string key = "dGhlIHNhbXBsZSBub25jZQ==")
        => Encoding.Latin1.GetBytes(
            $"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + $"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n");

    /// <summary>XORs in place, RFC 6455 section 5.3, one byte at a time.</summary>
    public static void Mask(Span<byte> payload, uint key)
    {
        for (int i = 0; i < payload.Length; i++)
        {
            payload[i] ^= (byte)(key >> (8 * (3 - (i & 3))));
        }
    }

    /// <summary>Bytes from hex pairs; white space is ignored, <c>#</c> starts a comment to the end of the line.</summary>
    /// <exception cref="FormatException">Any other text, or half a pair.</exception>
    public static byte[] Hex(string text)
    {
        StringBuilder digits = new(text.Length);
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            int comment = line.IndexOf('#');
            foreach (Range word in line[..(comment < 0 ? line.Length : comment)].SplitAny(' ', '\t'))
            {
                ReadOnlySpan<char> pairs = line[word];
                if (pairs.Length % 2 != 0)
                {
                    throw new FormatException($"Half a byte in '{pairs}'.");
                }

                digits.Append(pairs);
            }
        }

        return Convert.FromHexString(digits.ToString());
    }

    private static LengthForm MinimalForm(ulong length) => length switch
    {
        <= 125 => LengthForm.Bits7,
        <= ushort.MaxValue => LengthForm.Bits16,
        _ => LengthForm.Bits64,
    };
}
