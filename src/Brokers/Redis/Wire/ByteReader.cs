using System.Buffers.Binary;
using System.Text;

namespace Weir.Brokers.Redis.Wire;

/// <summary>Reads the fields of a message; every method returns <c>false</c> if the bytes are not valid.</summary>
internal ref struct ByteReader(ReadOnlyMemory<byte> source)
{
    private readonly ReadOnlyMemory<byte> _source = source;
    private int _read;

    public bool TryReadByte(out byte value)
    {
        value = 0;
        if (_read == _source.Length)
        {
            return false;
        }

        value = _source.Span[_read++];
        return true;
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
        if (!TryReadLength(out int length) || length > _source.Length - _read)
        {
            return false;
        }

        field = _source.Slice(_read, length);
        _read += length;
        return true;
    }

    public bool TryReadText(out string text)
    {
        bool isThere = TryReadField(out ReadOnlyMemory<byte> field);
        text = isThere ? Encoding.UTF8.GetString(field.Span) : "";
        return isThere;
    }

    /// <summary>Reads decimal digits and the colon after them.</summary>
    public bool TryReadNumber(out long value)
    {
        value = 0;
        ReadOnlySpan<byte> rest = _source.Span[_read..];
        int end = rest.IndexOf((byte)':');
        if (end < 0 || !System.Buffers.Text.Utf8Parser.TryParse(rest[..end], out value, out int consumed) || consumed != end || value < 0)
        {
            return false;
        }

        _read += end + 1;
        return true;
    }

    /// <summary>Reads up to a colon, which is consumed too.</summary>
    public bool TryReadWord(out ReadOnlySpan<byte> word)
    {
        ReadOnlySpan<byte> rest = _source.Span[_read..];
        int end = rest.IndexOf((byte)':');
        word = end < 0 ? default : rest[..end];
        _read += end + 1;
        return end >= 0;
    }

    public readonly ReadOnlyMemory<byte> ReadRest() => _source[_read..];

    private bool TryReadLength(out int length)
    {
        uint value = 0;
        length = 0;
        for (int shift = 0; shift <= 28; shift += 7)
        {
            if (!TryReadByte(out byte next))
            {
                return false;
            }

            value |= (uint)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                length = (int)value;
                // The fifth byte holds the top bits: a length has 31, and is written in as few bytes as it needs.
                return length >= 0 && (shift < 28 || next < 0x08) && (next != 0 || shift == 0);
            }
        }

        return false;
    }
}
