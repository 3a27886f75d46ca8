using System.Buffers;
using System.Text;
using Weir.Handshake;
using Weir.TestSupport;
using Xunit;

namespace Weir.Core.Tests.Handshake;

/// <summary>The budget of a handshake: what a connection keeps, and not a byte more.</summary>
public class HandshakeAllocationTests
{
    // The request: object header and type (16), the head (8), five offsets (20), rounded up.
    private const long RequestBytes = 48;

    [Fact]
    public void ReadValidateAndWrite_PerHandshake_AllocatesTheRequestAndItsHeaderBlockOnly()
    {
        const int Rounds = 1000;
        byte[] head = Encoding.ASCII.GetBytes(TestHead.With("User-Agent: test\r\nOrigin: https://server.example.com"));
        ReadOnlySequence<byte> buffer = new(head);
        FixedWriter output = new();
        long allocated = Allocations.LeastOf(() =>
        {
            for (int i = 0; i < Rounds; i++)
            {
                OneHandshake(buffer, output);
            }
        });

        // An array: object header and type (16), length (8), and the bytes, rounded up.
        long headBytes = (16 + 8 + head.Length + 7) / 8 * 8;
        Assert.Equal((RequestBytes + headBytes) * Rounds, allocated);
    }

    [Fact]
    public void Read_NotOurs_AllocatesNothing()
    {
        ReadOnlySequence<byte> buffer = new(Encoding.ASCII.GetBytes(TestHead.With(target: "/other/%70ath")));
        long scanned = 0;
        HeadStatus status = HeadStatus.Complete;

        Assert.Equal(0, Allocations.LeastOf(() => status = RequestHeadReader.Read(buffer, TestHead.Endpoints, 4096, ref scanned, out _)));
        Assert.Equal(HeadStatus.NotOurs, status);
    }

    [Fact]
    public void WriteRefused_StaticRefusal_AllocatesNothing()
    {
        FixedWriter output = new();

        Assert.Equal(0, Allocations.LeastOf(output.Clear, () => HandshakeResponse.WriteRefused(output, HandshakeRefusal.OtherVersion)));
    }

    private static void OneHandshake(in ReadOnlySequence<byte> buffer, FixedWriter output)
    {
        long scanned = 0;
        HeadStatus status = RequestHeadReader.Read(buffer, TestHead.Endpoints, 4096, ref scanned, out int length);
        Assert.True(status == HeadStatus.Complete);
        HandshakeResult result = HandshakeRules.Validate(UpgradeRequest.FromHead(buffer.Slice(0, length)));
        Assert.True(result.IsAccepted);
        output.Clear();
        HandshakeResponse.WriteAccepted(output, result.Key, result.SubprotocolOffer, result.ExtensionOffer);
    }

    private sealed class FixedWriter : IBufferWriter<byte>
    {
        private readonly byte[] _bytes = new byte[1024];
        private int _written;

        public void Clear() => _written = 0;

        public void Advance(int count) => _written += count;

        public Memory<byte> GetMemory(int sizeHint = 0) => _bytes.AsMemory(_written);

        public Span<byte> GetSpan(int sizeHint = 0) => _bytes.AsSpan(_written);
    }
}
