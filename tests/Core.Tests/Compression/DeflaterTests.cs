using System.Buffers;
using System.IO.Compression;
using Weir.Protocol.Compression;
using Xunit;

namespace Weir.Core.Tests.Compression;

public class DeflaterTests
{
    private static readonly int[] _sizes =
        [0, 1, 2, 3, 125, 126, 127, 511, 512, 513, 4095, 32_767, 32_768, 65_535, 65_536, 65_537, 200_000];

    private readonly LiveCount _live = new();

    public static TheoryData<int, bool> WindowsAndTakeover()
    {
        var data = new TheoryData<int, bool>();
        for (int bits = 9; bits <= 15; bits++)
        {
            data.Add(bits, true);
            data.Add(bits, false);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(WindowsAndTakeover))]
    public void Deflate_AnySize_InflatesWholeAndByteByByte(int windowBits, bool keepContext)
    {
        using var deflater = new Deflater(windowBits, 2, _live);
        using var whole = new Inflater(windowBits, _live);
        using var byBytes = new Inflater(windowBits, _live);
        foreach (int size in _sizes)
        {
            foreach (byte[] message in new[] { Messages.Random(size), Messages.Compressible(size) })
            {
                byte[] payload = Messages.Compress(deflater, message, keepContext);
                Assert.Equal(message, Messages.Decompress(whole, payload, keepContext));
                Assert.Equal(message, Messages.Decompress(byBytes, payload, keepContext, inputStep: 1, outputStep: 1));
            }
        }
    }

    [Theory]
    [MemberData(nameof(WindowsAndTakeover))]
    public void Deflate_EveryLevel_StaysWithinTheWindow(int windowBits, bool keepContext)
    {
        for (int level = 1; level <= 9; level++)
        {
            using var deflater = new Deflater(windowBits, level, _live);
            var plain = new PlainInflater();
            byte[] far = Messages.Random((1 << windowBits) - 300);
            byte[] near = Messages.Compressible(5000);
            foreach (byte[] message in new[] { far, near, [.. far, .. far], [.. near, .. far, .. near] })
            {
                Assert.Equal(message, plain.Decode(Messages.Compress(deflater, message, keepContext)));
            }

            Assert.InRange(plain.FarthestDistance, 1, 1 << windowBits);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(6)]
    [InlineData(9)]
    public void Deflate_WithoutContext_EachMessageDecodesAlone(int level)
    {
        using var deflater = new Deflater(15, level, _live);
        for (int i = 0; i < 50; i++)
        {
            // The same text again and again: with history it would be one reference back.
            byte[] message = [.. Messages.Compressible(3000), (byte)i];
            byte[] payload = Messages.Compress(deflater, message, keepContext: false);
            using var fresh = new Inflater(15, _live);
            Assert.Equal(message, Messages.Decompress(fresh, payload, keepContext: false));
            Assert.Equal(message, new PlainInflater().Decode(payload));
        }
    }

    [Fact]
    public void Deflate_WithoutContextAfterMessagesWithIt_DecodesAlone()
    {
        using var deflater = new Deflater(15, 6, _live);
        byte[] message = Messages.Compressible(3000);
        Messages.Compress(deflater, message, keepContext: true);

        byte[] payload = Messages.Compress(deflater, message, keepContext: false);

        Assert.Equal(message, new PlainInflater().Decode(payload));
    }

    [Fact]
    public void Deflate_WithContext_ShrinksWhatWasSentBefore()
    {
        using var deflater = new Deflater(15, 2, _live);
        byte[] message = Messages.Random(1000);

        int first = Messages.Compress(deflater, message, keepContext: true).Length;
        int second = Messages.Compress(deflater, message, keepContext: true).Length;

        Assert.InRange(first, 1000, 1020);
        Assert.InRange(second, 1, 50);
    }

    [Fact]
    public void Deflate_EmptyMessages_AreOneOctetEachAndDisturbNothing()
    {
        // RFC 7692 7.2.3.6
        using var deflater = new Deflater(15, 2, _live);
        using var inflater = new Inflater(15, _live);
        byte[] text = "Hello, hello, hello"u8.ToArray();
        foreach (byte[] message in new byte[][] { [], [], text, [], [], text, [] })
        {
            byte[] payload = Messages.Compress(deflater, message, keepContext: true);
            Assert.Equal(message, Messages.Decompress(inflater, payload, keepContext: true));
            if (message.Length == 0)
            {
                Assert.Equal([0x00], payload);
            }
        }
    }

    [Fact]
    public void Deflate_InPieces_IsOneMessage()
    {
        byte[] message = Messages.Compressible(1000);
        using var deflater = new Deflater(15, 2, _live);
        foreach (int[] lengths in new int[][] { [1000, 0], [0, 1000], [0, 0, 1, 998, 0, 1], [500, 0, 0, 500] })
        {
            var output = new ArrayBufferWriter<byte>();
            deflater.Deflate(Messages.Split(message, lengths), output, keepContext: false);
            Assert.Equal(message, new PlainInflater().Decode(output.WrittenSpan.ToArray()));
        }
    }

    [Fact]
    public void Deflate_IntoSpansOfTheLeastSize_LeavesOffTheTailWhereverItFalls()
    {
        // Incompressible, so the length of the payload moves by one each time: the tail meets every edge of a span.
        using var deflater = new Deflater(15, 2, _live);
        using var inflater = new Inflater(15, _live);
        for (int size = 230; size < 800; size++)
        {
            byte[] message = Messages.Random(size, seed: size);
            var output = new SmallSpans();
            deflater.Deflate(new ReadOnlySequence<byte>(message), output, keepContext: true);
            byte[] payload = [.. output.Written];
            Assert.False(payload.AsSpan().EndsWith(Inflater.MessageTail));
            Assert.Equal(message, Messages.Decompress(inflater, payload, keepContext: true));
        }
    }

    [Fact]
    public void Deflate_Output_IsReadByDeflateStream()
    {
        using var deflater = new Deflater(15, 2, _live);
        var all = new MemoryStream();
        byte[] message = Messages.Compressible(50_000);
        for (int i = 0; i < 3; i++)
        {
            all.Write(Messages.Compress(deflater, message, keepContext: true));
            all.Write(Inflater.MessageTail);
        }

        all.Write([0x03, 0x00]); // an empty last block: DeflateStream insists on an end
        all.Position = 0;
        var read = new MemoryStream();
        using var stream = new DeflateStream(all, CompressionMode.Decompress);
        stream.CopyTo(read);

        Assert.Equal([.. message, .. message, .. message], read.ToArray());
    }

    [Fact]
    public void Forget_AfterAMessageCompressedElsewhere_KeepsTheClientInStep()
    {
        byte[] a = Messages.Random(2000, seed: 1);
        byte[] b = Messages.Random(500, seed: 2);
        using var own = new Deflater(15, 2, _live);
        using var shared = new Deflater(15, 2, _live);
        using var client = new Inflater(15, _live);

        Assert.Equal(a, Messages.Decompress(client, Messages.Compress(own, a, keepContext: true), keepContext: true));
        byte[] broadcast = Messages.Compress(shared, b, keepContext: false);
        Assert.Equal(b, Messages.Decompress(client, broadcast, keepContext: true));
        own.Forget();
        own.Forget();
        byte[] third = Messages.Compress(own, a, keepContext: true);
        Assert.Equal(a, Messages.Decompress(client, third, keepContext: true));

        // From here on both sides agree again.
        byte[] fourth = Messages.Compress(own, a, keepContext: true);
        Assert.InRange(fourth.Length, 1, 50);
        Assert.Equal(a, Messages.Decompress(client, fourth, keepContext: true));
    }

    [Fact]
    public void Forget_LeftOut_WouldSendTheClientAstray()
    {
        // Why Forget exists: the distance in the third message leads into what another deflater compressed.
        byte[] a = Messages.Random(2000, seed: 1);
        byte[] b = Messages.Random(500, seed: 2);
        using var own = new Deflater(15, 2, _live);
        using var shared = new Deflater(15, 2, _live);
        using var client = new Inflater(15, _live);
        Messages.Decompress(client, Messages.Compress(own, a, keepContext: true), keepContext: true);
        Messages.Decompress(client, Messages.Compress(shared, b, keepContext: false), keepContext: true);

        byte[] third = Messages.Compress(own, a, keepContext: true);

        Assert.NotEqual(a, Messages.Decompress(client, third, keepContext: true));
    }

    [Fact]
    public void Forget_WithoutHistory_CostsTheNextMessagesNothing()
    {
        byte[] message = Messages.Random(2000);
        using var deflater = new Deflater(15, 2, _live);
        deflater.Forget();
        Messages.Compress(deflater, message, keepContext: true);

        Assert.InRange(Messages.Compress(deflater, message, keepContext: true).Length, 1, 50);
    }

    [Fact]
    public void Deflate_AfterTheOutputThrew_IsRefused()
    {
        using var deflater = new Deflater(15, 2, _live);
        var payload = new ReadOnlySequence<byte>(Messages.Random(1000));
        Assert.Throws<IOException>(() => deflater.Deflate(payload, new SmallSpans { Limit = 2 }, keepContext: true));

        Assert.Throws<InvalidOperationException>(
            () => deflater.Deflate(payload, new ArrayBufferWriter<byte>(), keepContext: true));
    }

    [Fact]
    public void Deflate_WindowOf8Bits_IsNotSupportedByZlib()
    {
        // What makes the negotiation decline server_max_window_bits=8.
        Assert.Throws<InvalidOperationException>(() => new Deflater(8, 2, _live));
        Assert.Equal(0, _live.Value);
    }

    [Fact]
    public void Deflate_AfterDispose_Throws()
    {
        var deflater = new Deflater(15, 2, _live);
        deflater.Dispose();
        deflater.Dispose();

        Assert.Throws<ObjectDisposedException>(() => Messages.Compress(deflater, [1], keepContext: true));
        Assert.Equal(0, _live.Value);
    }

    /// <summary>Gives no more room than asked for, each time elsewhere, as the contract allows.</summary>
    private sealed class SmallSpans : IBufferWriter<byte>
    {
        private byte[] _span = [];

        public List<byte> Written { get; } = [];

        public int Limit { get; init; } = int.MaxValue;

        private int Calls { get; set; }

        public void Advance(int count) => Written.AddRange(_span.AsSpan(0, count));

        public Memory<byte> GetMemory(int sizeHint = 0) => throw new NotSupportedException();

        public Span<byte> GetSpan(int sizeHint = 0) =>
            ++Calls > Limit ? throw new IOException() : _span = new byte[Math.Max(sizeHint, 1)];
    }
}
