using System.Buffers.Binary;
using System.Text;

namespace Weir.Brokers.Postgres.Wire;

/// <summary>Reads what <see cref="FieldWriter"/> has written; every method returns <c>false</c> if the bytes are not valid.</summary>
internal ref struct FieldReader(ReadOnlyMemory<byte> source)
{
    private ReadOnlyMemory<byte> _rest = source;

    public readonly ReadOnlyMemory<byte> Rest => _rest;

    public bool TryReadByte(out byte value)
    {
        value = 0;
        if (_rest.IsEmpty)
        {
            return false;
        }

        value = _rest.Span[0];
        _rest = _rest[1..];
        return true;
    }

    public bool TryReadInt64(out long value)
    {
        if (!BinaryPrimitives.TryReadInt64LittleEndian(_rest.Span, out value))
        {
            return false;
        }

        _rest = _rest[sizeof(long)..];
        return true;
    }

    public bool TryRead(out ReadOnlyMemory<byte> field)
    {
        field = default;
        if (!BinaryPrimitives.TryReadInt32LittleEndian(_rest.Span, out int length) || length < 0 || length > _rest.Length - sizeof(int))
        {
            return false;
        }

        field = _rest.Slice(sizeof(int), length);
        _rest = _rest[(sizeof(int) + length)..];
        return true;
    }

    public bool TryRead(out string text)
    {
        bool isThere = TryRead(out ReadOnlyMemory<byte> field);
        text = isThere ? Encoding.UTF8.GetString(field.Span) : "";
        return isThere;
    }
}
