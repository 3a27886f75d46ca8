using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Weir.Relay.Wire;

/// <summary>Fills an array of exact size with the fields of a message of a broker.</summary>
/// <param name="target">The array.</param>
[Experimental("WEIR001")]
public ref struct FieldWriter(byte[] target)
{
    private readonly byte[] _target = target;
    private int _written;

    /// <summary>The size of a text with its length prefix.</summary>
    public static int SizeOf(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        return SizeOfLength(length) + length;
    }

    /// <summary>The size of a field with its length prefix.</summary>
    public static int SizeOf(ReadOnlyMemory<byte> field) => SizeOfLength(field.Length) + field.Length;

    /// <summary>Writes one byte.</summary>
    public void WriteByte(byte value) => _target[_written++] = value;

    /// <summary>Writes a number in eight bytes, little-endian.</summary>
    public void WriteInt64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_target.AsSpan(_written), value);
        _written += sizeof(long);
    }

    /// <summary>Writes a text with its length prefix, as UTF-8.</summary>
    public void Write(string text)
    {
        WriteLength(Encoding.UTF8.GetByteCount(text));
        _written += Encoding.UTF8.GetBytes(text, _target.AsSpan(_written));
    }

    /// <summary>Writes a field with its length prefix.</summary>
    public void Write(ReadOnlyMemory<byte> field)
    {
        WriteLength(field.Length);
        WriteRest(field);
    }

    /// <summary>Writes the last field, which needs no length.</summary>
    public void WriteRest(ReadOnlyMemory<byte> field) => WriteBytes(field.Span);

    /// <summary>Writes bytes as they are.</summary>
    public void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_target.AsSpan(_written));
        _written += bytes.Length;
    }

    // Seven bits at a time, least significant first; all bytes but the last have the high bit.
    private void WriteLength(int length)
    {
        uint rest = (uint)length;
        while (rest >= 0x80)
        {
            WriteByte((byte)(rest | 0x80));
            rest >>= 7;
        }

        WriteByte((byte)rest);
    }

    private static int SizeOfLength(int length)
    {
        int size = 1;
        for (uint rest = (uint)length >> 7; rest != 0; rest >>= 7)
        {
            size++;
        }

        return size;
    }
}
