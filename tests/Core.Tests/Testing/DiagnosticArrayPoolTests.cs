using System.Runtime.CompilerServices;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Testing;

public class DiagnosticArrayPoolTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(9)] // The surplus alone would make it 16.
    [InlineData(4096)]
    public void Rent_AnyLength_IsLongerAndNoPowerOfTwo(int length)
    {
        using DiagnosticArrayPool pool = new();
        byte[] array = pool.Rent(length);

        Assert.True(array.Length > length && !int.IsPow2(array.Length));
        pool.Return(array);
    }

    [Fact]
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)] // its name must be on the stack
    public void Dispose_ArrayStillOut_Throws()
    {
        DiagnosticArrayPool pool = new(captureStacks: true);
        byte[] leaked = pool.Rent(10);

        PoolMisuseException error = Assert.Throws<PoolMisuseException>(pool.Dispose);

        Assert.Contains(nameof(Dispose_ArrayStillOut_Throws), error.Message, StringComparison.Ordinal);
        Assert.Equal(leaked.Length, pool.OutstandingBytes);
    }

    [Fact]
    public void Return_Twice_Throws()
    {
        DiagnosticArrayPool pool = new();
        byte[] array = pool.Rent(10);
        pool.Return(array);

        Assert.Throws<PoolMisuseException>(() => pool.Return(array));
        Assert.Contains("returned twice", Assert.Single(pool.Violations), StringComparison.Ordinal);
    }

    [Fact]
    public void Return_ForeignArray_Throws()
    {
        DiagnosticArrayPool pool = new();

        Assert.Throws<PoolMisuseException>(() => pool.Return(new byte[16]));
        Assert.Contains("not rented here", Assert.Single(pool.Violations), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_AfterReturn_IsFound()
    {
        DiagnosticArrayPool pool = new();
        byte[] array = pool.Rent(10);
        pool.Return(array);

        array[^1] = 1;

        Assert.Throws<PoolMisuseException>(pool.AssertClean);
    }

    [Fact]
    public void Rent_Nothing_HasNoOwner()
    {
        using DiagnosticArrayPool pool = new();

        pool.Return(pool.Rent(0));

        Assert.Equal(0, pool.Rents);
    }
}
