using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Relay.Wire;
using Xunit;

namespace Weir.Relay.Tests.Wire;

public sealed class PublicationBodyTests
{
    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(1, 127, 128)]
    [InlineData(128, 16_383, 16_384)]
    [InlineData(16_384, 2_097_152, 1)]
    public void Encode_ThenRead_IsTheSame(int key, int info, int data)
    {
        Publication publication = new()
        {
            Data = Bytes(data),
            Kind = data % 2 == 0 ? MessageKind.Binary : MessageKind.Text,
            Key = key == 0 ? null : new string('k', key),
            Info = Bytes(info),
            Node = "node ☃",
            NodeSequence = long.MinValue,
            Message = data, // 0: none
        };

        Assert.True(PublicationBody.TryRead(PublicationBody.Encode(publication), 42, out Publication? read));

        Assert.Equal(publication.Data.Span, read.Data.Span);
        Assert.Equal(publication.Info.Span, read.Info.Span);
        Assert.Equal(
            (publication.Kind, publication.Key, publication.Node, publication.NodeSequence, publication.Message, 42L),
            (read.Kind, read.Key, read.Node, read.NodeSequence, read.Message, read.Offset));
    }

    [Fact]
    public void TryRead_ShortenedAnywhereBeforeTheData_IsFalse()
    {
        byte[] body = PublicationBody.Encode(
            new Publication { Data = Bytes(3), Key = "key", Info = Bytes(200), Node = "node", NodeSequence = 7, Message = 8 });

        for (int length = 0; length < body.Length - 3; length++)
        {
            Assert.False(PublicationBody.TryRead(body.AsMemory(0, length), 1, out _));
        }
    }

    [Theory]
    [InlineData(new byte[] { 2, 0, 1 })] // another version
    [InlineData(new byte[] { 1, 32, 1 })] // a flag of another version
    [InlineData(new byte[] { 1, 8, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F })] // a negative length
    [InlineData(new byte[] { 1, 8, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F })] // one of more than 32 bits
    [InlineData(new byte[] { 1, 8, 0x81, 0x00, 1 })] // one in more bytes than it needs
    [InlineData(new byte[] { 1, 8, 0xFF, 0xFF, 0xFF, 0xFF, 0x07 })] // 2 GB that are not there
    public void TryRead_InvalidBody_IsFalse(byte[] body) => Assert.False(PublicationBody.TryRead(body, 1, out _));

    [Fact]
    public void TryRead_AnyBytes_NeverThrow()
    {
        Random random = new(20_260_101);
        byte[] whole = PublicationBody.Encode(new Publication { Data = Bytes(9), Key = "key", Info = Bytes(9), Node = "node", NodeSequence = 7 });
        int read = 0;
        for (int i = 0; i < 50_000; i++)
        {
            byte[] body = [.. whole];
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                body[random.Next(body.Length)] = (byte)random.Next(256);
            }

            read += PublicationBody.TryRead(body.AsMemory(0, random.Next(body.Length + 1)), 1, out Publication? publication) ? 1 : 0;
            Assert.Equal(publication is null, publication?.Data is null);
        }

        Assert.InRange(read, 1, 49_999);
    }

    private static byte[] Bytes(int count) => [.. Enumerable.Range(0, count).Select(static i => (byte)i)];
}
