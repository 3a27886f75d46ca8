using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Weir.Brokers.File.Records;

/// <summary>
/// Encodes records for one file: length and checksum of four bytes each, little-endian, then the body. Not thread-safe.
/// </summary>
/// <remarks>
/// The checksum covers the number of the file and of the record in it too, so that a record in a place that is not its own is none.
/// </remarks>
internal sealed class RecordBuffer
{
    /// <summary>The bytes before a body.</summary>
    public const int HeaderBytes = 8;

    private byte[] _bytes = new byte[64 << 10];
    private int _start;

    /// <summary>The encoded bytes.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    public int Length { get; private set; }

    /// <summary>The number of encoded records.</summary>
    public int Count { get; private set; }

    /// <summary>Removes all records; keeps memory for the next ones unless a large message has made it large.</summary>
    public void Clear()
    {
        Length = 0;
        Count = 0;
        if (_bytes.Length > 4 << 20)
        {
            _bytes = new byte[64 << 10];
        }
    }

    public void Begin(RecordKind kind)
    {
        _start = Length;
        Reserve(HeaderBytes + 1);
        Length += HeaderBytes;
        _bytes[Length++] = (byte)kind;
    }

    /// <param name="file">The number of the file.</param>
    /// <param name="record">The number of the record in it.</param>
    public void End(long file, long record)
    {
        Span<byte> body = _bytes.AsSpan((_start + HeaderBytes)..Length);
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(_start), body.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(_start + 4), Checksum.Of(file, record, body));
        Count++;
    }

    /// <summary>Writes a number, seven bits a byte.</summary>
    public void Write(long value)
    {
        Reserve(10);
        ulong rest = (ulong)value;
        while (rest >= 0x80)
        {
            _bytes[Length++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        _bytes[Length++] = (byte)rest;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        Write(bytes.Length);
        Reserve(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(Length));
        Length += bytes.Length;
    }

    public void Write(string text)
    {
        int most = Encoding.UTF8.GetMaxByteCount(text.Length);
        byte[] rented = ArrayPool<byte>.Shared.Rent(most);
        Write(rented.AsSpan(0, Encoding.UTF8.GetBytes(text, rented)));
        ArrayPool<byte>.Shared.Return(rented);
    }

    private void Reserve(int more)
    {
        if (_bytes.Length - Length < more)
        {
            Array.Resize(ref _bytes, (int)Math.Min(Math.Max(_bytes.Length * 2L, Length + (long)more), Array.MaxLength));
        }
    }
}
