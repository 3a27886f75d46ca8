using System.Buffers;
using Weir.Connections;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Connections;

public sealed class MessageAssemblyTests : IDisposable
{
    private readonly DiagnosticArrayPool _arrays = new();

    public void Dispose() => _arrays.Dispose();

    [Fact]
    public void AsSequence_OfNothing_IsEmptyAndRentsNothing()
    {
        MessageAssembly assembly = MessageAssembly.Rent(_arrays);
        assembly.Append([]);
        Assert.True(assembly.AsSequence().IsEmpty);
        Assert.Equal(0, assembly.Length);
        Assert.Equal(0, _arrays.Rents);
        MessageAssembly.Return(assembly);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 5_000)]
    [InlineData(7, 3_000)]
    [InlineData(1024, 100)]
    [InlineData(4093, 80)]
    [InlineData(300_000, 1)]
    public void Append_InPiecesOfAnySize_KeepsBytesAndOrder(int size, int times)
    {
        MessageAssembly assembly = MessageAssembly.Rent(_arrays);
        byte[] all = new byte[size * times];
        new Random(size).NextBytes(all);
        for (int i = 0; i < times; i++)
        {
            assembly.Append(all.AsSpan(i * size, size));
            Assert.Equal((i + 1) * size, assembly.Length);
        }

        ReadOnlySequence<byte> sequence = assembly.AsSequence();
        Assert.Equal(all.Length, sequence.Length);
        Assert.Equal(all, sequence.ToArray());
        MessageAssembly.Return(assembly);
    }

    [Fact]
    public void AsSequence_AfterMore_ShowsAll()
    {
        MessageAssembly assembly = MessageAssembly.Rent(_arrays);
        List<byte> expected = [];
        for (int round = 0; round < 40; round++)
        {
            byte[] more = new byte[500];
            more.AsSpan().Fill((byte)round);
            assembly.Append(more);
            expected.AddRange(more);
            Assert.Equal(expected, assembly.AsSequence().ToArray());
            Assert.Equal([(byte)round, (byte)round], assembly.AsSequence().Slice(assembly.Length - 2).ToArray());
        }

        MessageAssembly.Return(assembly);
    }

    [Fact]
    public void GetSpan_AlwaysHasRoomAndAdvanceCountsWhatWasUsed()
    {
        MessageAssembly assembly = MessageAssembly.Rent(_arrays);
        List<byte> expected = [];
        for (int i = 0; i < 300; i++)
        {
            Span<byte> room = assembly.GetSpan();
            Assert.False(room.IsEmpty);
            int used = Math.Min(room.Length, i);
            room[..used].Fill((byte)i);
            assembly.Advance(used);
            expected.AddRange(Enumerable.Repeat((byte)i, used));
        }

        Assert.Equal(expected, assembly.AsSequence().ToArray());
        MessageAssembly.Return(assembly);
    }

    [Fact]
    public void AsSequence_WithAnUnusedChunkAtItsEnd_EndsBeforeIt()
    {
        MessageAssembly assembly = MessageAssembly.Rent(_arrays);
        int filled = assembly.GetSpan().Length;
        assembly.GetSpan().Fill(1);
        assembly.Advance(filled);
        _ = assembly.GetSpan(); // a second chunk, which an inflater requests to find out whether there is more
        ReadOnlySequence<byte> sequence = assembly.AsSequence();
        Assert.Equal(filled, sequence.Length);
        Assert.Equal(filled, sequence.ToArray().Length);
        MessageAssembly.Return(assembly);
    }

    [Fact]
    public void Append_Growing_WastesAtMostHalfAndNeverMoreThan64KiB()
    {
        MessageAssembly assembly = MessageAssembly.Rent(_arrays);
        for (int length = 1; length <= 400_000; length++)
        {
            assembly.Append([0]);
            long unused = _arrays.OutstandingBytes - length;
            Assert.InRange(unused, 0, Math.Min(Math.Max(1024, length), 64 * 1024) + 8);
        }

        Assert.InRange(_arrays.Rents, 1, 15);
        MessageAssembly.Return(assembly);
    }

    [Fact]
    public void Clear_ThenAppend_StartsOver()
    {
        MessageAssembly assembly = MessageAssembly.Rent(_arrays);
        assembly.Append(new byte[10_000]);
        assembly.Clear();
        Assert.Equal(0, _arrays.Outstanding);
        Assert.Equal(0, assembly.Length);
        Assert.True(assembly.AsSequence().IsEmpty);

        assembly.Append([1, 2, 3]);
        Assert.Equal([1, 2, 3], assembly.AsSequence().ToArray());
        MessageAssembly.Return(assembly);
        Assert.Equal(0, _arrays.Outstanding);
    }

    [Fact]
    public void Rent_AfterReturn_UsesTheArraysItIsGiven()
    {
        using DiagnosticArrayPool others = new();
        MessageAssembly first = MessageAssembly.Rent(_arrays);
        first.Append(new byte[5000]);
        MessageAssembly.Return(first);

        MessageAssembly second = MessageAssembly.Rent(others);
        Assert.Equal(0, second.Length);
        second.Append([1]);
        Assert.Equal((0, 1), (_arrays.Outstanding, others.Outstanding));
        MessageAssembly.Return(second);
    }
}
