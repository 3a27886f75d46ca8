using System.Buffers.Binary;
using System.Text;

namespace Weir.Brokers.Nats.Wire;

/// <summary>Reads what <see cref="RecordWriter"/> wrote.</summary>
internal ref struct RecordReader(ReadOnlyMemory<byte> source)
{
    private readonly ReadOnlyMemory<byte> _source = source;
    private int _read;

    public readonly bool IsAtEnd => _read == _source.Length;

    /// <summary>Reads the version and the type; returns false for another version.</summary>
    public bool TryBegin(out MessageType type)
    {
        type = default;
        if (_source.Length < 2 || _source.Span[0] != RecordWriter.Version)
        {
            return false;
        }

        type = (MessageType)_source.Span[1];
        _read = 2;
        return true;
    }

    /// <exception cref="InvalidDataException">The message ends before.</exception>
    public byte ReadByte() => Take(1).Span[0];

    /// <exception cref="InvalidDataException">The message ends before.</exception>
    public long ReadInt64() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)).Span);

    /// <exception cref="InvalidDataException">The message ends before, or the number has more than 64 bits.</exception>
    public ulong ReadNumber()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = ReadByte();
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException("A number of the message is too long.");
    }

    /// <exception cref="InvalidDataException">The message ends before.</exception>
    public int ReadCount()
    {
        ulong count = ReadNumber();
        return count <= (ulong)_source.Length ? (int)count : throw new InvalidDataException("A count of the message is too large.");
    }

    /// <exception cref="InvalidDataException">The message ends before.</exception>
    public ReadOnlyMemory<byte> ReadField() => Take(ReadCount());

    /// <exception cref="InvalidDataException">The message ends before.</exception>
    public string ReadText() => Encoding.UTF8.GetString(ReadField().Span);

    public ReadOnlyMemory<byte> ReadRest() => Take(_source.Length - _read);

    private ReadOnlyMemory<byte> Take(int length)
    {
        if (length > _source.Length - _read)
        {
            throw new InvalidDataException("The message ends too early.");
        }

        ReadOnlyMemory<byte> taken = _source.Slice(_read, length);
        _read += length;
        return taken;
    }
}
