using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Testing;

public class DiagnosticMemoryPoolTests
{
    [Fact]
    public void Dispose_EverythingReturned_Passes()
    {
        using DiagnosticMemoryPool pool = new(61);
        using (IMemoryOwner<byte> block = pool.Rent())
        {
            Assert.Equal(61, block.Memory.Length);
            block.Memory.Span.Clear();
            Assert.Equal(1, pool.Outstanding);
            Assert.Equal(61, pool.OutstandingBytes);
        }

        Assert.Equal(0, pool.Outstanding);
        Assert.Equal(1, pool.PeakOutstanding);
        Assert.Equal(1, pool.Rents);
    }

    [Fact]
    public void Dispose_BlockStillOut_ThrowsWithStackOfRent()
    {
        DiagnosticMemoryPool pool = new(captureStacks: true);
        IMemoryOwner<byte> leaked = pool.Rent();

        PoolMisuseException error = Assert.Throws<PoolMisuseException>(pool.Dispose);

        Assert.Contains("#1 of 4096 bytes was not returned", error.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(Dispose_BlockStillOut_ThrowsWithStackOfRent), error.Message, StringComparison.Ordinal);
        GC.KeepAlive(leaked);
    }

    [Fact]
    public void Return_Twice_ThrowsAndIsRecorded()
    {
        DiagnosticMemoryPool pool = new();
        IMemoryOwner<byte> block = pool.Rent();
        block.Dispose();

        Assert.Throws<PoolMisuseException>(block.Dispose);

        Assert.Contains("returned twice", Assert.Single(pool.Violations), StringComparison.Ordinal);
        Assert.Throws<PoolMisuseException>(pool.AssertClean);
    }

    [Fact]
    public void Use_AfterReturn_ThrowsByEveryWay()
    {
        DiagnosticMemoryPool pool = new();
        IMemoryOwner<byte> block = pool.Rent();
        Memory<byte> kept = block.Memory;
        block.Dispose();

        Assert.Throws<PoolMisuseException>(() => block.Memory);
        Assert.Throws<PoolMisuseException>(() => kept.Span[0]);
        Assert.Throws<PoolMisuseException>(() => kept.Pin());
        Assert.Throws<PoolMisuseException>(() => MemoryMarshal.TryGetArray<byte>(kept, out _));
        Assert.Equal(4, pool.Violations.Count);
    }

    [Fact]
    public void Write_AfterReturnThroughKeptSpan_IsFoundOnce()
    {
        DiagnosticMemoryPool pool = new(16);
        IMemoryOwner<byte> block = pool.Rent();
        Span<byte> kept = block.Memory.Span;
        block.Dispose();
        pool.AssertClean();

        kept[5] = 0;

        Assert.Contains(
            "written after its return, first at byte 5",
            Assert.Throws<PoolMisuseException>(pool.AssertClean).Message,
            StringComparison.Ordinal);
        Assert.Throws<PoolMisuseException>(pool.AssertClean);
        Assert.Single(pool.Violations);
    }

    [Fact]
    public void Write_AfterReturnIntoBlockDroppedFromQuarantine_IsFound()
    {
        DiagnosticMemoryPool pool = new();
        IMemoryOwner<byte> block = pool.Rent();
        Span<byte> kept = block.Memory.Span;
        block.Dispose();
        kept[0] = 0;

        for (int i = 0; i < 32 * 1024 * 1024 / 4096; i++)
        {
            pool.Rent().Dispose();
        }

        Assert.Contains("buffer #1 ", Assert.Single(pool.Violations), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(16)]
    public void Write_OutsideBounds_IsFoundAtReturn(int index)
    {
        DiagnosticMemoryPool pool = new(16);
        IMemoryOwner<byte> block = pool.Rent();
        System.Runtime.CompilerServices.Unsafe.Add(ref MemoryMarshal.GetReference(block.Memory.Span), index) = 0;

        block.Dispose();

        Assert.Contains("outside its bounds", Assert.Single(pool.Violations), StringComparison.Ordinal);
    }

    [Fact]
    public void Return_WhilePinned_Throws()
    {
        DiagnosticMemoryPool pool = new();
        IMemoryOwner<byte> block = pool.Rent();
        using MemoryHandle pin = block.Memory.Pin();

        Assert.Throws<PoolMisuseException>(block.Dispose);
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public unsafe void Pin_AtElement_PointsToIt()
    {
        using DiagnosticMemoryPool pool = new();
        using IMemoryOwner<byte> block = pool.Rent();
        block.Memory.Span[3] = 42;

        using MemoryHandle pin = block.Memory[3..].Pin();

        Assert.Equal(42, *(byte*)pin.Pointer);
    }

    [Fact]
    public void Rent_MoreThanBlock_GivesExactlyThat()
    {
        using DiagnosticMemoryPool pool = new(16);
        using IMemoryOwner<byte> block = pool.Rent(17);

        Assert.Equal(17, block.Memory.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(4097));
    }

    [Fact]
    public async Task Pipe_OverSmallBlocks_StraddlesAndReturnsAll()
    {
        using DiagnosticMemoryPool pool = new(16);
        Pipe pipe = new(new PipeOptions(pool, minimumSegmentSize: pool.BlockSize, useSynchronizationContext: false));

        await pipe.Writer.WriteAsync(new byte[40]).Within();
        ReadResult read = await pipe.Reader.ReadAsync().Within();

        Assert.False(read.Buffer.IsSingleSegment);
        Assert.Equal(3, pool.Outstanding);
        pipe.Reader.AdvanceTo(read.Buffer.End);
        await pipe.Reader.CompleteAsync();
        await pipe.Writer.CompleteAsync();
    }
}
