using CsCheck;
using Weir.Proxy;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Core.Tests.Proxy;

/// <summary>Headers damaged at random: each has a result, the same however it arrives, and none throws.</summary>
public class ProxyMutationTests
{
    private static readonly byte[][] _valid =
    [
        ProxyHeaders.Text,
        ProxyHeaders.Line("PROXY TCP6 2001:db8::7 ::ffff:198.51.100.1 12345 443\r\n"),
        ProxyHeaders.Line("PROXY UNKNOWN 1 2 3 4\r\n"),
        ProxyHeaders.BinaryIPv4,
        ProxyHeaders.BinaryIPv6,
        ProxyHeaders.BinaryWithChecksum,
        ProxyHeaders.Binary(0x20, 0x00, ProxyHeaders.Field(0x04, new byte[9])),
    ];

    // Bytes with a meaning in either header come up as often as all others together.
    private static readonly Gen<byte> _byte =
        Gen.OneOf<byte>(Gen.OneOf<byte>([.. " \r\n.:0159afT46\0"u8, 0x01, 0x03, 0x11, 0x20, 0x21, 0x31]), Gen.Byte);

    /// <summary>Replaces (0), inserts (1), deletes (2), or truncates (3), at a position.</summary>
    private static readonly Gen<(int Kind, int At, byte Value)[]> _mutations =
        Gen.Select(Gen.Frequency((20, Gen.Int[0, 2]), (1, Gen.Const(3))), Gen.Int[0, 60], _byte).Array[1, 5];

    private static readonly Gen<byte[]> _damaged =
        Gen.Select(Gen.Int[0, _valid.Length - 1], _mutations, (which, mutations) => Mutate(_valid[which], mutations));

    [Fact]
    public void Read_DamagedHeader_HasTheSameResultHoweverItArrives() =>
        Gen.Select(_damaged, Gen.Int[1, 40]).Sample(
            (bytes, segmentSize) =>
            {
                ProxyHeader whole = ProxyHeaderReader.Read(Segments.Whole(bytes));
                ProxyHeader dripped = ProxyHeader.Incomplete;
                for (int length = 0; length <= bytes.Length && !dripped.IsComplete && dripped.Fault is null; length++)
                {
                    dripped = ProxyHeaderReader.Read(Segments.Every(segmentSize, bytes.AsSpan(0, length)));
                }

                Assert.Equal(whole.Length, dripped.Length);
                Assert.Equal(whole.Source, dripped.Source);
                Assert.Equal(whole.Destination, dripped.Destination);
                Assert.Equal(whole.Fault is null, dripped.Fault is null);
                Assert.InRange(whole.Length, 0, bytes.Length);
            },
            iter: 20_000);

    [Fact]
    public Task OnConnection_DamagedHeader_PassesOrIsAborted() =>
        Gen.Select(_damaged, Gen.Int[1, 40]).SampleAsync(
            async (bytes, piece) =>
            {
                await using ProxyServer server = new(blockSize: 61);
                server.StartEcho();
                for (int at = 0; at < bytes.Length && server.Connection.Aborts.Count == 0; at += piece)
                {
                    await server.SendAsync(bytes.AsMemory(at, Math.Min(piece, bytes.Length - at)));
                }

                await server.Connection.ClientEnd.Output.CompleteAsync();
                await server.Done.Within();
                Assert.Equal(server.Passed is null ? 1 : 0, server.Connection.Aborts.Count);
                ProxyHeader header = ProxyHeaderReader.Read(Segments.Whole(bytes));
                Assert.Equal(header.IsComplete, server.Passed is not null);
                byte[] rest = header.IsComplete ? bytes[header.Length..] : [];
                Assert.Equal(rest, server.Connection.ClientEnd.Input.TakeAvailable());
            },
            iter: 1_000,
            threads: 1);

    private static byte[] Mutate(byte[] valid, (int Kind, int At, byte Value)[] mutations)
    {
        List<byte> bytes = [.. valid];
        foreach ((int kind, int at, byte value) in mutations)
        {
            int position = Math.Min(at, bytes.Count - 1);
            switch (kind)
            {
                case 0:
                    bytes[position] = value;
                    break;
                case 1:
                    bytes.Insert(position, value);
                    break;
                case 2 when bytes.Count > 1:
                    bytes.RemoveAt(position);
                    break;
                case 3 when position > 0:
                    bytes.RemoveRange(position, bytes.Count - position);
                    break;
            }
        }

        return [.. bytes];
    }
}
