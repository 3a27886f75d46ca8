using System.Buffers;
using Microsoft.Extensions.ObjectPool;

namespace Weir.Sending;

/// <summary>Where runs of encoded frames come from: pooled objects over a pooled array each. Thread-safe.</summary>
internal sealed class FrameRunPool
{
    private readonly DefaultObjectPool<FrameRun> _runs;

    /// <param name="arrays">The arrays behind the runs; <c>ArrayPool.Shared</c> but in tests that look for leaks.</param>
    public FrameRunPool(ArrayPool<byte> arrays)
    {
        Arrays = arrays;
        // An empty run is about 100 bytes; 1,024 of them cover the runs in flight between rents on many cores.
        _runs = new DefaultObjectPool<FrameRun>(new Policy(this), maximumRetained: 1024);
    }

    /// <summary>The pool of every connection that was not given another.</summary>
    public static FrameRunPool Shared { get; } = new(ArrayPool<byte>.Shared);

    public ArrayPool<byte> Arrays { get; }

    /// <summary>An empty run with room for <paramref name="capacity"/> bytes, held once by the caller.</summary>
    public FrameRun Rent(int capacity)
    {
        FrameRun run = _runs.Get();
        run.Open(capacity);
        return run;
    }

    internal void Return(FrameRun run) => _runs.Return(run);

    private sealed class Policy(FrameRunPool owner) : PooledObjectPolicy<FrameRun>
    {
        public override FrameRun Create() => new(owner);

        public override bool Return(FrameRun obj) => true;
    }
}
