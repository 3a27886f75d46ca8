using System.Buffers;
using Microsoft.Extensions.ObjectPool;

namespace Weir.Sending;

/// <summary>A pool of batches of encoded frames: pooled objects over a pooled array each. Thread-safe.</summary>
internal sealed class SharedFramesPool
{
    private readonly DefaultObjectPool<SharedFrames> _batches;

    /// <param name="arrays">The arrays behind the batches; <c>ArrayPool.Shared</c> except in tests that look for leaks.</param>
    public SharedFramesPool(ArrayPool<byte> arrays)
    {
        Arrays = arrays;
        // An empty batch is about 100 bytes; 1,024 of them cover the batches in flight between rents on many cores.
        _batches = new DefaultObjectPool<SharedFrames>(new Policy(this), maximumRetained: 1024);
    }

    /// <summary>The pool of every connection that is not created with another.</summary>
    public static SharedFramesPool Shared { get; } = new(ArrayPool<byte>.Shared);

    public ArrayPool<byte> Arrays { get; }

    /// <summary>Rents an empty batch with room for <paramref name="capacity"/> bytes; the caller holds its only reference.</summary>
    public SharedFrames Rent(int capacity)
    {
        SharedFrames batch = _batches.Get();
        batch.Open(capacity);
        return batch;
    }

    internal void Return(SharedFrames batch) => _batches.Return(batch);

    private sealed class Policy(SharedFramesPool owner) : PooledObjectPolicy<SharedFrames>
    {
        public override SharedFrames Create() => new(owner);

        public override bool Return(SharedFrames obj) => true;
    }
}
