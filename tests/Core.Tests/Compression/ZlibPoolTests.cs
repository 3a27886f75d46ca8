using System.Buffers;
using System.Runtime.CompilerServices;
using Weir.Protocol.Compression;
using Weir.TestSupport;
using Xunit;

namespace Weir.Core.Tests.Compression;

public class ZlibPoolTests
{
    private static readonly byte[] _hello = Convert.FromHexString("F248CDC9C90700");

    [Fact]
    public void Rent_ReturnTenThousandTimes_AllocatesOneStateOfEachKind()
    {
        using var pool = new ZlibPool(new DeflateOptions().Level, maxIdle: 4);
        for (int i = 0; i < 10_000; i++)
        {
            Inflater inflater = pool.RentInflater(15);
            Deflater deflater = pool.RentDeflater(15);
            pool.Return(inflater);
            pool.Return(deflater);
        }

        Assert.Equal(2, pool.LiveStates);
        Assert.Equal(2, pool.IdleStates);
    }

    [Fact]
    public void Return_MoreThanThePoolKeeps_FreesTheRest()
    {
        using var pool = new ZlibPool(new DeflateOptions().Level, maxIdle: 3);
        Inflater[] inflaters = [.. Enumerable.Range(0, 10).Select(_ => pool.RentInflater(15))];
        Deflater[] deflaters = [.. Enumerable.Range(0, 10).Select(_ => pool.RentDeflater(9))];
        Assert.Equal(20, pool.LiveStates);

        Array.ForEach(inflaters, pool.Return);
        Array.ForEach(deflaters, pool.Return);

        Assert.Equal(6, pool.LiveStates);
        Assert.Equal(6, pool.IdleStates);
    }

    [Fact]
    public void Return_IntoAFullPool_MakesRoomByFreeingTheOldest()
    {
        using var pool = new ZlibPool(new DeflateOptions().Level, maxIdle: 2);
        Deflater[] narrow = [pool.RentDeflater(9), pool.RentDeflater(9)];
        Deflater wide = pool.RentDeflater(15);
        Array.ForEach(narrow, pool.Return);
        pool.Return(wide);

        Assert.Same(wide, pool.RentDeflater(15));
        Assert.Same(narrow[1], pool.RentDeflater(9));
        Assert.Equal(2, pool.LiveStates);
    }

    [Fact]
    public void Rent_OtherWindow_GetsThatWindow()
    {
        using var pool = new ZlibPool(new DeflateOptions().Level, maxIdle: 2);
        pool.Return(pool.RentDeflater(9));
        pool.Return(pool.RentInflater(9));

        Assert.Equal(15, pool.RentDeflater(15).WindowBits);
        Assert.Equal(15, pool.RentInflater(15).WindowBits);
    }

    [Fact]
    public void RentInflater_AfterCorruptOrUnfinishedData_StartsClean()
    {
        using var pool = new ZlibPool(new DeflateOptions().Level, maxIdle: 1);
        foreach (string hex in new[] { "FFFFFFFF", "000500", "F248", "F248CDC9C90700", "F348CDC9C90700" })
        {
            Inflater used = pool.RentInflater(15);
            used.Inflate(Convert.FromHexString(hex), new byte[100], out _, out _);
            pool.Return(used);

            Inflater next = pool.RentInflater(15);
            Assert.Same(used, next);
            Assert.Equal("Hello"u8.ToArray(), Messages.Decompress(next, _hello, keepContext: false));
            pool.Return(next);
        }

        // No history either: 7.2.3.2's reference to an earlier "Hello" finds none.
        Assert.Null(Messages.Decompress(pool.RentInflater(15), Convert.FromHexString("F200110000"), keepContext: true));
    }

    [Fact]
    public void RentDeflater_AfterAConnectionWithTakeover_RefersToNothingOfIt()
    {
        using var pool = new ZlibPool(new DeflateOptions().Level, maxIdle: 1);
        byte[] message = Messages.Random(1000);
        Deflater used = pool.RentDeflater(15);
        Messages.Compress(used, message, keepContext: true);
        pool.Return(used);

        Deflater next = pool.RentDeflater(15);
        Assert.Same(used, next);
        Assert.Equal(message, new PlainInflater().Decode(Messages.Compress(next, message, keepContext: true)));
    }

    [Fact]
    public void ReturnDeflater_MessageHalfDone_IsFreedNotKept()
    {
        using var pool = new ZlibPool(new DeflateOptions().Level, maxIdle: 1);
        Deflater deflater = pool.RentDeflater(15);
        Assert.Throws<IOException>(
            () => deflater.Deflate(new ReadOnlySequence<byte>(new byte[10]), new FailingWriter(), keepContext: false));
        pool.Return(deflater);

        Assert.Equal(0, pool.LiveStates);
    }

    [Fact]
    public void Return_Twice_Throws()
    {
        using var pool = new ZlibPool(new DeflateOptions().Level, maxIdle: 4);
        Inflater inflater = pool.RentInflater(15);
        pool.Return(inflater);

        Assert.Throws<InvalidOperationException>(() => pool.Return(inflater));
        Assert.Equal(1, pool.IdleStates);
    }

    [Fact]
    public void Dispose_FreesIdleStatesAndThoseReturnedLater()
    {
        var pool = new ZlibPool(new DeflateOptions().Level, maxIdle: 4);
        Inflater lent = pool.RentInflater(15);
        pool.Return(pool.RentDeflater(15));
        pool.Return(pool.RentInflater(9));

        pool.Dispose();
        Assert.Equal(1, pool.LiveStates);
        pool.Return(lent);
        Assert.Equal(0, pool.LiveStates);
    }

    [Fact]
    public void Rent_NeverReturned_IsFreedByTheFinalizer()
    {
        using var pool = new ZlibPool(new DeflateOptions().Level, maxIdle: 4);
        Lose(pool);
        Assert.Equal(2, pool.LiveStates);
        GC.Collect();
        GC.WaitForPendingFinalizers();

        Assert.Equal(0, pool.LiveStates);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Lose(ZlibPool pool)
        {
            _ = pool.RentInflater(15);
            _ = pool.RentDeflater(15);
        }
    }

    [Fact]
    public void Rent_FromManyThreads_LendsEachStateToOneAtATime()
    {
        using var pool = new ZlibPool(new DeflateOptions().Level, maxIdle: 2);
        Parallel.For(0, 2000, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            byte[] message = Messages.Random(700, seed: i);
            Deflater deflater = pool.RentDeflater(9 + (i % 7));
            byte[] payload = Messages.Compress(deflater, message, keepContext: i % 3 == 0);
            pool.Return(deflater);
            Inflater inflater = pool.RentInflater(15);
            Assert.Equal(message, Messages.Decompress(inflater, payload, keepContext: false));
            pool.Return(inflater);
        });

        Assert.InRange(pool.IdleStates, 2, 4);
        Assert.Equal(pool.IdleStates, pool.LiveStates);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Steady_RentDeflateInflateReturn_AllocatesNothing(bool keepContext)
    {
        using var pool = new ZlibPool(new DeflateOptions().Level, maxIdle: 2);
        byte[] message = Messages.Compressible(10_000);
        var payload = new ArrayBufferWriter<byte>(20_000);
        byte[] output = new byte[20_000];
        bool same = true;
        long allocated = Allocations.LeastOf(() =>
        {
            for (int i = 0; i < 200; i++)
            {
                RoundTrip();
            }
        });

        Assert.Equal(0, allocated);
        Assert.True(same);

        void RoundTrip()
        {
            Deflater deflater = pool.RentDeflater(15);
            Inflater inflater = pool.RentInflater(15);
            payload.ResetWrittenCount();
            deflater.Deflate(new ReadOnlySequence<byte>(message), payload, keepContext);
            inflater.Inflate(payload.WrittenSpan, output, out _, out int first);
            inflater.Inflate(Inflater.MessageTail, output.AsSpan(first), out _, out int second);
            inflater.EndMessage(keepContext);
            same &= output.AsSpan(0, first + second).SequenceEqual(message);
            pool.Return(deflater);
            pool.Return(inflater);
        }
    }

    [Fact]
    public void Require_LibraryOrExportMissing_NamesDeflate()
    {
        foreach (Exception missing in new Exception[] { new DllNotFoundException(), new EntryPointNotFoundException() })
        {
            PlatformNotSupportedException thrown =
                Assert.Throws<PlatformNotSupportedException>(() => ZlibNative.Require(() => throw missing));
            Assert.Contains("permessage-deflate", thrown.Message, StringComparison.Ordinal);
            Assert.Same(missing, thrown.InnerException);
        }
    }

    private sealed class FailingWriter : IBufferWriter<byte>
    {
        public void Advance(int count) => throw new IOException();

        public Memory<byte> GetMemory(int sizeHint = 0) => throw new IOException();

        public Span<byte> GetSpan(int sizeHint = 0) => throw new IOException();
    }
}
