using System.Buffers;
using System.Runtime.InteropServices;

namespace Weir.Buffers;

/// <summary>One rented block of memory; disposing it returns it to its pool.</summary>
/// <remarks>The array is pinned permanently, so a system call on it needs no pinning of its own.</remarks>
internal sealed class Block : IMemoryOwner<byte>
{
    private readonly BlockMemoryPool _pool;

    public Block(BlockMemoryPool pool, int size)
    {
        _pool = pool;
        byte[] array = GC.AllocateUninitializedArray<byte>(size, pinned: true);
        Memory = MemoryMarshal.CreateFromPinnedArray(array, 0, size);
    }

    public Memory<byte> Memory { get; }

    public void Dispose() => _pool.Return(this);
}
