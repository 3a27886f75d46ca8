using System.Runtime.InteropServices;
using Weir.Host.Features.Node;
using Xunit;

namespace Weir.Integration.Hosting;

public sealed class MemoryTrimTests
{
    private const int BlockBytes = 8 * 1024; // below the size for which the C library asks the system each time
    private const int Blocks = 25_000; // 200 MB
    private const int KeptEvery = 64; // so that no end of the heap is free, which would be given back anyway

    /// <summary>As OpenSSL leaves it after a storm of handshakes: free, between blocks that are in use.</summary>
    [Fact]
    public unsafe void GiveBack_NativeMemoryThatWasFreed_LeavesTheProcess()
    {
        nint[] blocks = new nint[Blocks];
        for (int i = 0; i < Blocks; i++)
        {
            blocks[i] = (nint)NativeMemory.Alloc(BlockBytes);
            new Span<byte>((void*)blocks[i], BlockBytes).Fill(1);
        }

        for (int i = 0; i < Blocks; i++)
        {
            if (i % KeptEvery != 0)
            {
                NativeMemory.Free((void*)blocks[i]);
            }
        }

        long before = Environment.WorkingSet;
        MemoryTrim.GiveBack();
        long after = Environment.WorkingSet;
        for (int i = 0; i < Blocks; i += KeptEvery)
        {
            NativeMemory.Free((void*)blocks[i]);
        }

        const long Freed = (long)BlockBytes * Blocks;
        Assert.True(before - after > Freed / 2, $"{before >> 20} -> {after >> 20} MiB, of {Freed >> 20} freed");
    }
}
