using System.Buffers.Binary;
using System.Text;

namespace Weir.Brokers.Kafka.Wire;

/// <summary>Reads the fields of a record; every method returns <c>false</c> if the bytes are not valid.</summary>
internal ref struct FieldReader(ReadOnlyMemory<byte> source)
{
    private readonly ReadOnlyMemory<byte> _source = source;
    private int _read;

    public bool TryReadByte(out byte value)
    {
        bool isThere = _read < _source.Length;
        value = isThere ? _source.Span[_read++] : default;
        return isThere;
    }

    public bool TryReadInt64(out long value)
    {
        if (!BinaryPrimitives.TryReadInt64LittleEndian(_source.Span[_read..], out value))
        {
            return false;
        }

        _read += sizeof(long);
        return true;
    }

    public bool TryReadField(out ReadOnlyMemory<byte> field)
    {
        field = default;
        if (!BinaryPrimitives.TryReadInt32LittleEndian(_source.Span[_read..], out int length)
            || length < 0 || length > _source.Length - _read - sizeof(int))
        {
            return false;
        }

        field = _source.Slice(_read + sizeof(int), length);
        _read += sizeof(int) + length;
        return true;
    }

    public bool TryReadText(out string text)
    {
        bool isThere = TryReadField(out ReadOnlyMemory<byte> field);
        text = isThere ? Encoding.UTF8.GetString(field.Span) : "";
        return isThere;
    }

    public readonly ReadOnlyMemory<byte> ReadRest() => _source[_read..];
}
