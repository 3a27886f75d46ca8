using System.Buffers.Binary;
using System.Text;

namespace Weir.Brokers.Redis.Wire;

/// <summary>Fills an array of exact size with the fields of a message.</summary>
internal ref struct ByteWriter(byte[] target)
{
    private readonly byte[] _target = target;
    private int _written;

    public static int SizeOfLength(int length)
    {
        int size = 1;
        for (uint rest = (uint)length >> 7; rest != 0; rest >>= 7)
        {
            size++;
        }

        return size;
    }

    /// <summary>The size of a text with its length prefix.</summary>
    public static int SizeOf(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        return SizeOfLength(length) + length;
    }

    /// <summary>The size of a field with its length prefix.</summary>
    public static int SizeOf(ReadOnlyMemory<byte> field) => SizeOfLength(field.Length) + field.Length;

    public void WriteByte(byte value) => _target[_written++] = value;

    public void WriteInt64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_target.AsSpan(_written), value);
        _written += sizeof(long);
    }

    /// <summary>Seven bits at a time, least significant first; all bytes but the last have the high bit.</summary>
    public void WriteLength(int length)
    {
        uint rest = (uint)length;
        while (rest >= 0x80)
        {
            WriteByte((byte)(rest | 0x80));
            rest >>= 7;
        }

        WriteByte((byte)rest);
    }

    public void Write(string text)
    {
        WriteLength(Encoding.UTF8.GetByteCount(text));
        _written += Encoding.UTF8.GetBytes(text, _target.AsSpan(_written));
    }

    public void Write(ReadOnlyMemory<byte> field)
    {
        WriteLength(field.Length);
        WriteRest(field);
    }

    /// <summary>The last field needs no length.</summary>
    public void WriteRest(ReadOnlyMemory<byte> field)
    {
        field.Span.CopyTo(_target.AsSpan(_written));
        _written += field.Length;
    }
}
