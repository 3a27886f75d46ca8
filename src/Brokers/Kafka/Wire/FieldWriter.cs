using System.Buffers.Binary;
using System.Text;

namespace Weir.Brokers.Kafka.Wire;

/// <summary>Fills an array of exact size with the fields of a record.</summary>
internal ref struct FieldWriter(byte[] target)
{
    private readonly byte[] _target = target;
    private int _written;

    /// <summary>The size of a text with its length.</summary>
    public static int SizeOf(string text) => sizeof(int) + Encoding.UTF8.GetByteCount(text);

    /// <summary>The size of a field with its length.</summary>
    public static int SizeOf(ReadOnlyMemory<byte> field) => sizeof(int) + field.Length;

    public void WriteByte(byte value) => _target[_written++] = value;

    public void WriteInt64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_target.AsSpan(_written), value);
        _written += sizeof(long);
    }

    public void Write(string text)
    {
        int length = Encoding.UTF8.GetBytes(text, _target.AsSpan(_written + sizeof(int)));
        BinaryPrimitives.WriteInt32LittleEndian(_target.AsSpan(_written), length);
        _written += sizeof(int) + length;
    }

    public void Write(ReadOnlyMemory<byte> field)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_target.AsSpan(_written), field.Length);
        _written += sizeof(int);
        WriteRest(field);
    }

    /// <summary>The last field needs no length.</summary>
    public void WriteRest(ReadOnlyMemory<byte> field)
    {
        field.Span.CopyTo(_target.AsSpan(_written));
        _written += field.Length;
    }
}
