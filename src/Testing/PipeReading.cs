using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace Weir.Testing;

/// <summary>Reads a test's end of a pipe; each wait is bounded as in <see cref="Bounded"/>.</summary>
public static class PipeReading
{
    /// <summary>The header block of a response; the bytes after it stay for the next read.</summary>
    /// <exception cref="EndOfStreamException">The stream ended first.</exception>
    public static async Task<RawResponse> ReadHeadAsync(this PipeReader reader, TimeSpan? limit = null)
    {
        while (true)
        {
            ReadResult read = await reader.ReadAsync().Within(limit, "a response's header block");
            SequenceReader<byte> bytes = new(read.Buffer);
            if (bytes.TryReadTo(out ReadOnlySequence<byte> head, "\r\n\r\n"u8))
            {
                RawResponse response = new(Encoding.Latin1.GetString(head));
                reader.AdvanceTo(bytes.Position);
                return response;
            }

            long length = read.Buffer.Length;
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
            {
                throw new EndOfStreamException($"The stream ended {length} bytes into a header block.");
            }
        }
    }

    /// <summary>The next server frame.</summary>
    /// <exception cref="EndOfStreamException">The stream ended first.</exception>
    public static async Task<ServerFrame> ReadFrameAsync(this PipeReader reader, TimeSpan? limit = null)
    {
        while (true)
        {
            ReadResult read = await reader.ReadAsync().Within(limit, "the next frame");
            ReadOnlySequence<byte> rest = read.Buffer;
            bool found = false;
            try
            {
                found = Frames.TryParse(ref rest, out ServerFrame frame);
                if (found)
                {
                    return frame;
                }

                if (read.IsCompleted)
                {
                    throw new EndOfStreamException($"The stream ended {rest.Length} bytes into a frame.");
                }
            }
            finally
            {
                reader.AdvanceTo(rest.Start, found ? rest.Start : rest.End);
            }
        }
    }

    /// <summary>Exactly <paramref name="length"/> bytes.</summary>
    /// <exception cref="EndOfStreamException">The stream ended first.</exception>
    public static async Task<byte[]> ReadBytesAsync(this PipeReader reader, int length, TimeSpan? limit = null)
    {
        ReadResult read = await reader.ReadAtLeastAsync(length).Within(limit, $"{length} bytes");
        if (read.Buffer.Length < length)
        {
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            throw new EndOfStreamException($"The stream ended after {read.Buffer.Length} bytes of {length}.");
        }

        ReadOnlySequence<byte> wanted = read.Buffer.Slice(0, length);
        byte[] bytes = wanted.ToArray();
        reader.AdvanceTo(wanted.End);
        return bytes;
    }

    /// <summary>Everything up to the end of the stream.</summary>
    public static async Task<byte[]> ReadToEndAsync(this PipeReader reader, TimeSpan? limit = null)
    {
        ArrayBufferWriter<byte> all = new();
        while (true)
        {
            ReadResult read = await reader.ReadAsync().Within(limit, "the end of the stream");
            foreach (ReadOnlyMemory<byte> segment in read.Buffer)
            {
                all.Write(segment.Span);
            }

            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return all.WrittenSpan.ToArray();
            }
        }
    }

    /// <summary>Takes the available bytes without waiting; a pending sender then continues, and its bytes are taken too.</summary>
    public static byte[] TakeAvailable(this PipeReader reader)
    {
        ArrayBufferWriter<byte> all = new();
        while (reader.TryRead(out ReadResult read))
        {
            bool last = read.IsCompleted || read.Buffer.IsEmpty;
            foreach (ReadOnlyMemory<byte> segment in read.Buffer)
            {
                all.Write(segment.Span);
            }

            reader.AdvanceTo(read.Buffer.End);
            if (last)
            {
                break;
            }
        }

        return all.WrittenSpan.ToArray();
    }
}
