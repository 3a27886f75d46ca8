using System.Buffers;
using Microsoft.Extensions.ObjectPool;

namespace Weir.Connections;

/// <summary>
/// An incoming message that cannot stay in the pipe: fragments, a large frame, decompressed bytes. A chain of pooled arrays that
/// grows with the bytes that have arrived, never with the length that a header claims.
/// </summary>
/// <remarks>Not thread-safe; the receive loop owns it and returns it when the handler has finished with the message.</remarks>
internal sealed class MessageAssembly
{
    private const int FirstChunkBytes = 1024;
    private const int LargestChunkBytes = 64 * 1024;

    private static readonly DefaultObjectPool<MessageAssembly> _pool =
        new(new DefaultPooledObjectPolicy<MessageAssembly>(), maximumRetained: 256);

    private readonly List<Chunk> _chunks = [];
    private ArrayPool<byte> _arrays = ArrayPool<byte>.Shared;
    private int _used;

    /// <summary>Bytes assembled so far.</summary>
    public long Length { get; private set; }

    private Chunk Current => _chunks[_used - 1];

    public static MessageAssembly Rent(ArrayPool<byte> arrays)
    {
        MessageAssembly assembly = _pool.Get();
        assembly._arrays = arrays;
        return assembly;
    }

    public static void Return(MessageAssembly assembly)
    {
        assembly.Clear();
        _pool.Return(assembly);
    }

    /// <summary>Free space to write to, at least one byte; follow with <see cref="Advance"/>.</summary>
    public Span<byte> GetSpan()
    {
        if (_used == 0 || Current.Free == 0)
        {
            AddChunk();
        }

        return Current.FreeSpan;
    }

    public void Advance(int count)
    {
        Current.Used += count;
        Length += count;
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            Span<byte> free = GetSpan();
            int count = Math.Min(free.Length, bytes.Length);
            bytes[..count].CopyTo(free);
            Advance(count);
            bytes = bytes[count..];
        }
    }

    /// <summary>Returns the assembled bytes; valid until the next change.</summary>
    public ReadOnlySequence<byte> AsSequence()
    {
        if (_used == 0)
        {
            return ReadOnlySequence<byte>.Empty;
        }

        long runningIndex = 0;
        for (int i = 0; i < _used; i++)
        {
            runningIndex = _chunks[i].Link(runningIndex, i + 1 < _used ? _chunks[i + 1] : null);
        }

        return new ReadOnlySequence<byte>(_chunks[0], 0, Current, Current.Used);
    }

    /// <summary>Empties the assembly and returns its arrays to the pool.</summary>
    public void Clear()
    {
        for (int i = 0; i < _used; i++)
        {
            _arrays.Return(_chunks[i].Release());
        }

        _used = 0;
        Length = 0;
    }

    private void AddChunk()
    {
        // Doubling keeps the chain short for large messages and the arrays small for the many small ones.
        int size = (int)Math.Clamp(Length, FirstChunkBytes, LargestChunkBytes);
        if (_used == _chunks.Count)
        {
            _chunks.Add(new Chunk());
        }

        _chunks[_used++].Hold(_arrays.Rent(size));
    }

    private sealed class Chunk : ReadOnlySequenceSegment<byte>
    {
        private byte[] _array = [];

        public int Used { get; set; }

        public int Free => _array.Length - Used;

        public Span<byte> FreeSpan => _array.AsSpan(Used);

        public void Hold(byte[] array)
        {
            _array = array;
            Used = 0;
        }

        public byte[] Release()
        {
            byte[] array = _array;
            _array = [];
            Memory = default;
            Next = null;
            return array;
        }

        public long Link(long runningIndex, Chunk? next)
        {
            Memory = _array.AsMemory(0, Used);
            RunningIndex = runningIndex;
            Next = next;
            return runningIndex + Used;
        }
    }
}
