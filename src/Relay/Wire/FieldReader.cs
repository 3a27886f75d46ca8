using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Weir.Relay.Wire;

/// <summary>
/// Reads the fields of a message of a broker, as <see cref="FieldWriter"/> writes them. Every method returns <c>false</c> if the bytes are
/// not valid.
/// </summary>
/// <param name="source">The message. Fields refer to it, so it must not be written to any more.</param>
[Experimental("WEIR001")]
public ref struct FieldReader(ReadOnlyMemory<byte> source)
{
    private readonly ReadOnlyMemory<byte> _source = source;
    private int _read;

    /// <summary>Reads one byte.</summary>
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

    /// <summary>Reads a number of eight bytes, little-endian.</summary>
    public bool TryReadInt64(out long value)
    {
        if (!BinaryPrimitives.TryReadInt64LittleEndian(_source.Span[_read..], out value))
        {
            return false;
        }

        _read += sizeof(long);
        return true;
    }

    /// <summary>Reads a field with its length.</summary>
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

    /// <summary>Reads a text with its length; empty if there is none.</summary>
    public bool TryReadText(out string text)
    {
        bool isThere = TryReadField(out ReadOnlyMemory<byte> field);
        text = isThere ? Encoding.UTF8.GetString(field.Span) : "";
        return isThere;
    }

    /// <summary>Reads up to a delimiter, which is consumed too.</summary>
    public bool TryReadTo(byte delimiter, out ReadOnlySpan<byte> word)
    {
        ReadOnlySpan<byte> rest = _source.Span[_read..];
        int end = rest.IndexOf(delimiter);
        word = end < 0 ? default : rest[..end];
        _read += end + 1;
        return end >= 0;
    }

    /// <summary>Returns all that has not been read: the last field has no length.</summary>
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
