using System.Buffers.Binary;
using System.Text;

namespace Weir.Testing;

/// <summary>A frame as a server sent it. RSV1 is the bit of value 4 in <paramref name="Rsv"/>.</summary>
public sealed record ServerFrame(bool Fin, int Rsv, int Opcode, byte[] Payload)
{
    /// <summary>Whether this is a Close frame (opcode 8).</summary>
    public bool IsClose => Opcode == 0x8;

    /// <summary>The payload as UTF-8.</summary>
    public string Text => Encoding.UTF8.GetString(Payload);

    /// <summary>Of a Close frame; 1005 if it has none, as RFC 6455 section 7.1.5 prescribes.</summary>
    public int CloseCode => Payload.Length < 2 ? 1005 : BinaryPrimitives.ReadUInt16BigEndian(Payload);

    /// <summary>Of a Close frame; empty if it has none.</summary>
    public string CloseReason => Payload.Length < 2 ? "" : Encoding.UTF8.GetString(Payload.AsSpan(2));

    /// <summary>The header and the first 32 bytes of the payload, for messages of failed assertions.</summary>
    public override string ToString() =>
        $"fin={Fin} rsv={Rsv} opcode=0x{Opcode:X} length={Payload.Length} "
        + Convert.ToHexString(Payload.AsSpan(0, Math.Min(32, Payload.Length)));
}
