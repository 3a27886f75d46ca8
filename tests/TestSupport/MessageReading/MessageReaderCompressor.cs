using System.IO.Compression;

namespace Weir.TestSupport.MessageReading;

/// <summary>
/// The client's half of RFC 7692 7.2.1, out of the runtime's <see cref="DeflateStream"/>: not the engine's own deflater,
/// so that a mistake made in both does not cancel out.
/// </summary>
internal sealed class MessageReaderCompressor(bool takeover) : IDisposable
{
    private readonly MemoryStream _compressed = new();
    private DeflateStream? _stream;

    public byte[] Compress(ReadOnlySpan<byte> message, CompressionLevel level = CompressionLevel.Optimal)
    {
        if (message.IsEmpty)
        {
            return [0x00]; // RFC 7692 7.2.3.6
        }

        _compressed.SetLength(0);
        _stream ??= new DeflateStream(_compressed, level, leaveOpen: true);
        _stream.Write(message);
        _stream.Flush(); // a sync flush: ends in 00 00 FF FF, which a message goes without
        byte[] payload = _compressed.ToArray()[..^4];
        if (!takeover)
        {
            Dispose();
        }

        return payload;
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _stream = null;
    }
}
