using System.Buffers;
using System.IO.Pipelines;
using CsCheck;
using Weir.Connections;
using Weir.Protocol;
using Weir.Testing;
using Weir.TestSupport.MessageReading;
using Xunit;

namespace Weir.Core.Tests.Connections;

/// <summary>Whatever valid messages are sent and however they arrive, exactly these come out.</summary>
public class MessageReaderPropertyTests
{
    private static readonly Gen<MessageReaderSetup> _setup = Gen.Select(Gen.Int[0, 2], Gen.Bool, (deflate, pieces) =>
        new MessageReaderSetup(StreamFragments: pieces, Deflate: deflate switch
        {
            0 => null,
            1 => MessageReaderSetup.Takeover,
            _ => MessageReaderSetup.NoTakeover,
        }));

    [Fact]
    public void Next_AnyMessagesInAnyReads_GivesTheMessagesSent() =>
        Gen.Select(_setup, MessageReaderGen.Plans, Gen.Int).Sample((setup, plans, seed) =>
        {
            MessageReaderStream sent = Send(setup, plans);
            byte[] stream = sent.ToArray();
            MessageReaderDelivery delivery = MessageReaderDelivery.Random(new Random(seed), stream.Length);
            using MessageReaderPools pools = new();
            MessageReaderTranscript got = MessageReaderDriver.Play(setup, pools, stream, delivery);
            AssertSame(sent.Expected, got.Events);
            Assert.Empty(got.Unfinished);
        }, iter: 1_500);

    [Fact]
    public void Next_SmallMessagesByteByByte_GivesTheMessagesSent() =>
        Gen.Select(_setup, MessageReaderGen.SmallPlans).Sample((setup, plans) =>
        {
            MessageReaderStream sent = Send(setup, plans);
            byte[] stream = sent.ToArray();
            using MessageReaderPools pools = new();
            MessageReaderTranscript got = MessageReaderDriver.Play(
                setup, pools, stream, MessageReaderDelivery.ByteByByte(stream.Length));
            AssertSame(sent.Expected, got.Events);
        }, iter: 1_000);

    [Fact]
    public void Next_AnyMessagesThroughAPipe_GivesTheMessagesSent() =>
        Gen.Select(_setup, MessageReaderGen.Plans, Gen.Int[16, 4096], Gen.Int).Sample((setup, plans, blockSize, seed) =>
        {
            MessageReaderStream sent = Send(setup, plans);
            using MessageReaderPools pools = new();
            using DiagnosticMemoryPool blocks = new(blockSize);
            AssertSame(sent.Expected, ThroughPipe(setup.CreateReader(pools), sent.ToArray(), blocks, new Random(seed)));
            pools.AssertAllReturned();
        }, iter: 500);

    private static MessageReaderStream Send(MessageReaderSetup setup, MessageReaderPlan[] plans)
    {
        MessageReaderStream stream = new();
        using MessageReaderCompressor? compressor =
            setup.Deflate is { } deflate ? new MessageReaderCompressor(!deflate.ClientNoContextTakeover) : null;
        foreach (MessageReaderPlan plan in plans)
        {
            stream.Message(plan, compressor);
        }

        stream.Close(1000, "that is all");
        return stream;
    }

    // The receive loop in small, over a real pipe: its returned blocks are overwritten, so a byte kept too long shows.
    private static List<MessageReaderEvent> ThroughPipe(
        MessageReader reader, byte[] stream, DiagnosticMemoryPool blocks, Random random)
    {
        Pipe pipe = new(new PipeOptions(blocks, pauseWriterThreshold: 0, minimumSegmentSize: 1));
        List<MessageReaderEvent> events = [];
        List<byte> pieces = [];
        int largest = 1 << random.Next(1, 17);
        int written = 0;
        while (written < stream.Length)
        {
            int size = Math.Min(random.Next(1, largest), stream.Length - written);
            pipe.Writer.Write(stream.AsSpan(written, size));
            Assert.True(pipe.Writer.FlushAsync().AsTask().IsCompletedSuccessfully);
            written += size;
            Assert.True(pipe.Reader.TryRead(out ReadResult result));
            ReadOnlySequence<byte> buffer = result.Buffer;
            while (reader.Next(ref buffer) is var found && found != ReadEvent.NeedMore)
            {
                pieces.AddRange(found == ReadEvent.Close ? [] : reader.Payload.ToArray());
                bool endsMessage = found == ReadEvent.Message || (found == ReadEvent.Fragment && reader.IsLast);
                if (found == ReadEvent.Fragment && !endsMessage)
                {
                    continue;
                }

                // A control frame between fragments is reported before their message.
                int count = endsMessage ? pieces.Count : (int)reader.Payload.Length;
                byte[] payload = found == ReadEvent.Close ? [] : [.. pieces[^count..]];
                pieces.RemoveRange(pieces.Count - payload.Length, payload.Length);
                events.Add(new(endsMessage ? ReadEvent.Message : found, Detail(reader, found, endsMessage), payload, written));
                if (found == ReadEvent.Close)
                {
                    break;
                }
            }

            pipe.Reader.AdvanceTo(buffer.Start, buffer.End);
        }

        reader.Release();
        pipe.Writer.Complete();
        pipe.Reader.Complete();
        return events;
    }

    private static string Detail(MessageReader reader, ReadEvent found, bool endsMessage) =>
        endsMessage ? (reader.Kind == MessageKind.Text ? "text" : "binary")
        : found == ReadEvent.Close ? $"{(int)reader.CloseCode} \"{reader.CloseReason}\""
        : "";

    private static void AssertSame(List<MessageReaderEvent> expected, List<MessageReaderEvent> actual)
    {
        for (int i = 0; i < Math.Min(expected.Count, actual.Count); i++)
        {
            Assert.True(expected[i].IsSameAs(actual[i]), $"Event {i}: {actual[i]} instead of {expected[i]}.");
        }

        Assert.Equal(expected.Count, actual.Count);
    }
}
