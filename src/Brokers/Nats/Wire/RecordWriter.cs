using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Weir.Brokers.Nats.Wire;

/// <summary>Writes the fields of a message whose size is not known before.</summary>
internal sealed class RecordWriter
{
    public const byte Version = 1;

    private readonly ArrayBufferWriter<byte> _buffer;

    /// <summary>Begins a part of a message.</summary>
    public RecordWriter(int capacity) => _buffer = new ArrayBufferWriter<byte>(capacity);

    /// <summary>Begins a message.</summary>
    public RecordWriter(MessageType type)
        : this(capacity: 256)
    {
        Write(Version);
        Write((byte)type);
    }

    public int Length => _buffer.WrittenCount;

    public ReadOnlyMemory<byte> Written => _buffer.WrittenMemory;

    public void Write(byte value)
    {
        _buffer.GetSpan(1)[0] = value;
        _buffer.Advance(1);
    }

    public void Write(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_buffer.GetSpan(sizeof(long)), value);
        _buffer.Advance(sizeof(long));
    }

    /// <summary>Seven bits at a time, least significant first; all bytes but the last have the high bit.</summary>
    public void WriteNumber(ulong value)
    {
        Span<byte> target = _buffer.GetSpan(10);
        int written = 0;
        while (value >= 0x80)
        {
            target[written++] = (byte)(value | 0x80);
            value >>= 7;
        }

        target[written++] = (byte)value;
        _buffer.Advance(written);
    }

    /// <summary>A text with its length.</summary>
    public void Write(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        WriteNumber((ulong)length);
        Encoding.UTF8.GetBytes(text, _buffer.GetSpan(length));
        _buffer.Advance(length);
    }

    /// <summary>A field with its length.</summary>
    public void WriteField(ReadOnlySpan<byte> field)
    {
        WriteNumber((ulong)field.Length);
        _buffer.Write(field);
    }

    /// <summary>The last field needs no length.</summary>
    public void WriteRest(ReadOnlySpan<byte> field) => _buffer.Write(field);
}
