using System.Buffers;
using System.Text;
using CsCheck;
using Weir.Handshake;
using Xunit;

namespace Weir.Core.Tests.Handshake;

/// <summary>Header blocks damaged at random: the reader and the rules always return a result, and agree.</summary>
public class RequestHeadMutationTests
{
    private static readonly byte[] _valid = Encoding.ASCII.GetBytes(TestHead.With(
        "Origin: https://example.com\r\nSec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: permessage-deflate",
        target: "http://server.example.com/%77s?x=1"));

    // Bytes with a meaning in a head come up as often as all others together.
    private static readonly Gen<byte> _byte = Gen.OneOf<byte>(Gen.OneOf<byte>([.. " \t\r\n:,/?%=[]\0"u8]), Gen.Byte);

    /// <summary>Replaces (0), inserts (1), deletes (2), or truncates (3), at a position.</summary>
    private static readonly Gen<(int Kind, int At, byte Value)[]> _mutations =
        Gen.Select(Gen.Frequency((20, Gen.Int[0, 2]), (1, Gen.Const(3))), Gen.Int[0, _valid.Length - 1], _byte).Array[1, 6];

    [Fact]
    public void Read_MutatedHead_AnswersTheSameHoweverItArrives() =>
        Gen.Select(_mutations, Gen.Int[1, 50]).Sample((mutations, segmentSize) =>
        {
            byte[] head = Mutate(mutations);
            long scanned = 0;
            HeadStatus whole = RequestHeadReader.Read(
                new ReadOnlySequence<byte>(head), TestHead.Endpoints, 4096, ref scanned, out int wholeLength);

            scanned = 0;
            HeadStatus dripped = HeadStatus.Incomplete;
            int drippedLength = 0;
            for (int length = 0; length <= head.Length && dripped == HeadStatus.Incomplete; length++)
            {
                dripped = RequestHeadReader.Read(
                    TestHead.Segmented(head.AsMemory(0, length), segmentSize),
                    TestHead.Endpoints, 4096, ref scanned, out drippedLength);
            }

            Assert.Equal(whole, dripped);
            Assert.Equal(wholeLength, drippedLength);
        });

    [Fact]
    public void Read_MutatedHead_IsCompleteOnlyAtItsFirstBlankLine() =>
        _mutations.Sample(mutations =>
        {
            byte[] head = Mutate(mutations);
            long scanned = 0;
            HeadStatus status = RequestHeadReader.Read(
                new ReadOnlySequence<byte>(head), TestHead.Endpoints, 4096, ref scanned, out int length);

            int blank = head.AsSpan().IndexOf("\r\n\r\n"u8);
            Assert.Equal(status == HeadStatus.Complete ? blank + 4 : 0, length);
            Assert.True(status != HeadStatus.Complete || blank >= 0);
        });

    [Fact]
    public void Validate_MutatedHead_NeverThrowsAndAnAcceptedKeyIsWhole() =>
        _mutations.Sample(mutations =>
        {
            byte[] head = Mutate(mutations);
            long scanned = 0;
            ReadOnlySequence<byte> buffer = new(head);
            if (RequestHeadReader.Read(buffer, TestHead.Endpoints, 4096, ref scanned, out int length) != HeadStatus.Complete)
            {
                return;
            }

            UpgradeRequest request = UpgradeRequest.FromHead(buffer.Slice(0, length));
            HandshakeResult result = HandshakeRules.Validate(request);
            Assert.NotEqual(result.IsAccepted, result.Refusal is not null);
            Assert.Equal("/ws", request.Path);
            Assert.All(request.Headers, header => Assert.NotNull(request.GetHeader(header.Key)));
            if (result.IsAccepted)
            {
                Assert.Equal(16, Convert.FromBase64String(Encoding.ASCII.GetString(result.Key)).Length);
            }
        });

    private static byte[] Mutate((int Kind, int At, byte Value)[] mutations)
    {
        List<byte> head = [.. _valid];
        foreach ((int kind, int at, byte value) in mutations)
        {
            int position = Math.Min(at, head.Count - 1);
            switch (kind)
            {
                case 0:
                    head[position] = value;
                    break;
                case 1:
                    head.Insert(position, value);
                    break;
                case 2 when head.Count > 1:
                    head.RemoveAt(position);
                    break;
                case 3 when position > 0:
                    head.RemoveRange(position, head.Count - position);
                    break;
            }
        }

        return [.. head];
    }
}
