using System.Buffers;
using System.Diagnostics;
using Weir.Protocol;
using Weir.Protocol.Compression;
using Weir.Threading;

namespace Weir.Sending;

/// <summary>
/// Messages as whole, encoded server frames in one pooled array, ready to be copied into the transports of any number of members.
/// Code that keeps them after the call that passed them in holds a reference; the last release returns the array to its pool.
/// </summary>
/// <remarks>
/// A thousand slow members of a room hold a thousand references to one batch, never a thousand copies. One thread fills a batch,
/// then it is only read; the reference count and the compressed variants are the only things that change afterwards.
/// </remarks>
public sealed class SharedFrames : IBufferWriter<byte>
{
    private readonly SharedFramesPool _pool;
    private byte[] _bytes = [];
    private int _length;
    private int[] _ends = new int[4];
    private int _count;
    private int _references;
    private SharedFrames?[]? _deflated;
    private LightLock _gate;

    internal SharedFrames(SharedFramesPool pool) => _pool = pool;

    /// <summary>The encoded frames, one behind the other.</summary>
    internal ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    internal int Length => _length;

    /// <summary>The number of messages.</summary>
    public int Count => _count;

    /// <summary>The payloads of all messages together, in bytes before compression.</summary>
    public long PayloadBytes { get; private set; }

    /// <summary>Where message <paramref name="index"/> ends; it starts where the one before it ended.</summary>
    internal int EndOf(int index) => _ends[index];

    /// <summary>The end of the message that contains byte <paramref name="offset"/>; the offset itself if it is a boundary.</summary>
    internal int BoundaryAtOrAfter(int offset)
    {
        int index = _ends.AsSpan(0, _count).BinarySearch(offset);
        return _ends[index >= 0 ? index : ~index];
    }

    /// <summary>Room left before the array would have to grow.</summary>
    internal int Free => _bytes.Length - _length;

    internal void Open(int capacity)
    {
        Debug.Assert(_references == 0 && _length == 0, "A pooled batch is empty and unowned");
        _bytes = _pool.Arrays.Rent(capacity);
        _references = 1;
    }

    /// <summary>Appends one unfragmented message (or control frame).</summary>
    internal void Append(Opcode opcode, in ReadOnlySequence<byte> payload)
    {
        int size = checked((int)payload.Length);
        EnsureFree(FrameHeader.MaxUnmaskedLength + size);
        _length += FrameHeader.Write(_bytes.AsSpan(_length), opcode, size);
        payload.CopyTo(_bytes.AsSpan(_length));
        Close(_length + size, size);
    }

    /// <inheritdoc cref="Append(Opcode, in ReadOnlySequence{byte})"/>
    internal void Append(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        EnsureFree(FrameHeader.MaxUnmaskedLength + payload.Length);
        _length += FrameHeader.Write(_bytes.AsSpan(_length), opcode, payload.Length);
        payload.CopyTo(_bytes.AsSpan(_length));
        Close(_length + payload.Length, payload.Length);
    }

    /// <summary>
    /// Appends one message compressed by <paramref name="deflater"/> (RFC 7692: RSV1 set). The header's size depends on
    /// the compressed length, so the payload is written behind room for the longest header and then moved up to it.
    /// </summary>
    internal void AppendDeflated(Opcode opcode, in ReadOnlySequence<byte> payload, Deflater deflater, bool keepContext)
    {
        int start = _length;
        EnsureFree(FrameHeader.MaxUnmaskedLength);
        _length = start + FrameHeader.MaxUnmaskedLength;
        deflater.Deflate(payload, this, keepContext);
        int size = _length - start - FrameHeader.MaxUnmaskedLength;
        int header = FrameHeader.Write(_bytes.AsSpan(start), opcode, size, fin: true, rsv1: true);
        _bytes.AsSpan(start + FrameHeader.MaxUnmaskedLength, size).CopyTo(_bytes.AsSpan(start + header));
        Close(start + header + size, payload.Length);
    }

    /// <summary>
    /// The same messages for connections that negotiated permessage-deflate with this window: compressed once, on the first call,
    /// each message decodable alone, so that all of them can share it whatever their context is.
    /// </summary>
    internal SharedFrames Deflated(int windowBits, ZlibPool zlib, int minimumBytes)
    {
        using (_gate.Hold(this))
        {
            _deflated ??= new SharedFrames?[16];
            return _deflated[windowBits] ??= Deflate(windowBits, zlib, minimumBytes);
        }
    }

    /// <summary>Returns message <paramref name="index"/> as it was published, uncompressed and without its frame header.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1.</param>
    /// <param name="kind">Text or binary.</param>
    /// <returns>Memory of the batch, valid while a reference is held.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such message.</exception>
    public ReadOnlyMemory<byte> GetMessage(int index, out MessageKind kind)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _count);
        int start = index == 0 ? 0 : _ends[index - 1];
        ReadOnlyMemory<byte> frame = _bytes.AsMemory(start, _ends[index] - start);
        bool read = FrameHeader.TryRead(frame.Span, out FrameHeader header);
        Debug.Assert(read, "A batch holds whole frames");
        kind = (MessageKind)header.Opcode;
        return frame[header.HeaderLength..];
    }

    /// <summary>Takes one more reference, to use the messages after the call that passed them in.</summary>
    /// <returns>This object.</returns>
    public SharedFrames AddReference()
    {
        int count = Interlocked.Increment(ref _references);
        Debug.Assert(count > 1, "A released batch cannot be referenced again");
        return this;
    }

    /// <summary>Releases one reference. The last release returns the memory to its pool.</summary>
    public void Release()
    {
        int left = Interlocked.Decrement(ref _references);
        Debug.Assert(left >= 0, "A batch was released more often than referenced");
        if (left == 0)
        {
            Recycle();
        }
    }

    void IBufferWriter<byte>.Advance(int count) => _length += count;

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint)
    {
        EnsureFree(Math.Max(sizeHint, 1));
        return _bytes.AsMemory(_length);
    }

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint)
    {
        EnsureFree(Math.Max(sizeHint, 1));
        return _bytes.AsSpan(_length);
    }

    private SharedFrames Deflate(int windowBits, ZlibPool zlib, int minimumBytes)
    {
        SharedFrames batch = _pool.Rent(_length);
        Deflater deflater = zlib.RentDeflater(windowBits);
        int start = 0;
        for (int i = 0; i < _count; i++)
        {
            ReadOnlyMemory<byte> frame = _bytes.AsMemory(start, _ends[i] - start);
            bool read = FrameHeader.TryRead(frame.Span, out FrameHeader header);
            Debug.Assert(read, "A batch holds whole frames");
            ReadOnlySequence<byte> payload = new(frame[header.HeaderLength..]);
            if (payload.Length >= minimumBytes)
            {
                batch.AppendDeflated(header.Opcode, payload, deflater, keepContext: false);
            }
            else
            {
                batch.Append(header.Opcode, payload);
            }

            start = _ends[i];
        }

        zlib.Return(deflater);
        return batch;
    }

    private void Close(int end, long payloadBytes)
    {
        _length = end;
        PayloadBytes += payloadBytes;
        if (_count == _ends.Length)
        {
            Array.Resize(ref _ends, _count * 2);
        }

        _ends[_count++] = end;
    }

    private void EnsureFree(int bytes)
    {
        if (Free >= bytes)
        {
            return;
        }

        byte[] larger = _pool.Arrays.Rent(Math.Max(checked(_length + bytes), _bytes.Length * 2));
        _bytes.AsSpan(0, _length).CopyTo(larger);
        _pool.Arrays.Return(_bytes);
        _bytes = larger;
    }

    private void Recycle()
    {
        if (_deflated is { } variants)
        {
            foreach (SharedFrames? variant in variants)
            {
                variant?.Release();
            }

            Array.Clear(variants); // kept: a batch object that was compressed once will be again
        }

        _pool.Arrays.Return(_bytes);
        _bytes = [];
        _length = 0;
        _count = 0;
        PayloadBytes = 0;
        _pool.Return(this);
    }
}
