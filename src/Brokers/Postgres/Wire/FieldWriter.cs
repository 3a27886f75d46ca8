using System.Buffers.Binary;
using System.Text;

namespace Weir.Brokers.Postgres.Wire;

/// <summary>Fills an array of exact size. Every field has its length before it, as four bytes; the last one may have none.</summary>
internal ref struct FieldWriter(byte[] target)
{
    private Span<byte> _rest = target;

    public static int SizeOf(string text) => sizeof(int) + Encoding.UTF8.GetByteCount(text);

    public static int SizeOf(ReadOnlyMemory<byte> field) => sizeof(int) + field.Length;

    public void WriteByte(byte value)
    {
        _rest[0] = value;
        _rest = _rest[1..];
    }

    public void WriteInt64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_rest, value);
        _rest = _rest[sizeof(long)..];
    }

    public void Write(string text)
    {
        int length = Encoding.UTF8.GetBytes(text, _rest[sizeof(int)..]);
        WriteLength(length);
        _rest = _rest[length..];
    }

    public void Write(ReadOnlyMemory<byte> field)
    {
        WriteLength(field.Length);
        WriteLast(field);
    }

    public void WriteLast(ReadOnlyMemory<byte> field)
    {
        field.Span.CopyTo(_rest);
        _rest = _rest[field.Length..];
    }

    private void WriteLength(int length)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_rest, length);
        _rest = _rest[sizeof(int)..];
    }
}
