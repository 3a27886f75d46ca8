using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Weir.Buffers;

/// <summary>Creates the pool of each transport, for Kestrel.</summary>
internal sealed class BlockMemoryPoolFactory(int blockBytes, TimeProvider time) : IMemoryPoolFactory<byte>
{
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new BlockMemoryPool(blockBytes, time);
}
