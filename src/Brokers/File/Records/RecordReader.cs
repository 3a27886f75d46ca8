using System.Buffers.Binary;

namespace Weir.Brokers.File.Records;

/// <summary>Reads the records of a file up to its end, or to the first that is not whole.</summary>
internal sealed class RecordReader(string path, long file) : IDisposable
{
    private readonly FileStream _stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
    private readonly byte[] _header = new byte[RecordBuffer.HeaderBytes];
    private byte[] _body = new byte[4 << 10];
    private long _valid;

    /// <summary>The number of records read so far.</summary>
    public long Count { get; private set; }

    /// <summary>The bytes after the records read so far.</summary>
    public long Rest => _stream.Length - _valid;

    /// <summary>Returns false at the end of the file, or if what follows is not a whole record; then <see cref="Rest"/> is above 0.</summary>
    /// <param name="body">Valid until the next call.</param>
    public bool TryRead(out ReadOnlySpan<byte> body)
    {
        body = default;
        if (_stream.ReadAtLeast(_header, _header.Length, throwOnEndOfStream: false) < _header.Length)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(_header);
        if (length < 1 || length > _stream.Length - _stream.Position)
        {
            return false; // also zeros, with which a file system fills what was not written before the power was lost
        }

        if (length > _body.Length)
        {
            _body = new byte[Math.Max(length, (int)Math.Min(_body.Length * 2L, Array.MaxLength))];
        }

        _stream.ReadExactly(_body, 0, length);
        body = _body.AsSpan(0, length);
        if (BinaryPrimitives.ReadUInt32LittleEndian(_header.AsSpan(4)) != Checksum.Of(file, Count, body))
        {
            body = default;
            return false;
        }

        Count++;
        _valid = _stream.Position;
        return true;
    }

    public void Dispose() => _stream.Dispose();
}
