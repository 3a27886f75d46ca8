using System.Buffers;
using BenchmarkDotNet.Attributes;
using Weir.Bench.Timing;
using Weir.Buffers;

namespace Weir.Bench.Buffers;

/// <summary>Renting a block to a pipe and returning it, which happens for every read and every flush.</summary>
[MemoryDiagnoser]
public class BlockMemoryPoolBenchmarks
{
    private const int BlockBytes = 16 * 1024;

    private readonly BlockMemoryPool _pool = new(BlockBytes, new ManualClock());

    [GlobalSetup]
    public void Setup() => Wrong.Unless(Shared() >= BlockBytes && Blocks() == BlockBytes && _pool.IdleBlocks == 1);

    [GlobalCleanup]
    public void Cleanup() => _pool.Dispose();

    [Benchmark(Baseline = true)]
    public int Shared()
    {
        using IMemoryOwner<byte> block = MemoryPool<byte>.Shared.Rent(BlockBytes);
        return block.Memory.Length;
    }

    [Benchmark]
    public int Blocks()
    {
        using IMemoryOwner<byte> block = _pool.Rent();
        return block.Memory.Length;
    }
}
