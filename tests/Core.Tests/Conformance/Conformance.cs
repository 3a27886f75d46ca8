using Weir.Connections;
using Weir.Testing;
using Weir.TestSupport.MessageReading;
using Xunit;

namespace Weir.Core.Tests.Conformance;

/// <summary>
/// Checks a row of the conformance tables: frames as hex, and what a server is to make of them. Most frames carry the
/// masking key 00000000, which leaves their payload readable.
/// </summary>
/// <remarks>
/// Expectations are written in the form of <see cref="MessageReaderEvent.ToString"/>, a bar between events: text "Hello",
/// binary 0102, ping 00, pong 00, close 1000 "bye". A fault shows its code and the section it names:
/// fault 1002 (RFC 6455 5.1).
/// </remarks>
internal static class Conformance
{
    /// <summary>Every row is tried whole, split at every byte (in segments and in reads), and byte by byte.</summary>
    public static void Check(string rule, string frames, string expected, MessageReaderSetup? setup = null)
    {
        byte[] stream = Frames.Hex(frames);
        Check(rule, stream, expected, MessageReaderDelivery.EveryWay(stream.Length), setup);
    }

    public static void Check(
        string rule,
        byte[] stream,
        string expected,
        IEnumerable<MessageReaderDelivery> deliveries,
        MessageReaderSetup? setup = null)
    {
        setup ??= new MessageReaderSetup();
        using MessageReaderPools pools = new();
        foreach (MessageReaderDelivery delivery in deliveries)
        {
            string seen = Describe(MessageReaderDriver.Play(setup, pools, stream, delivery));
            Assert.True(expected == seen, $"{rule}: expected <{expected}>, saw <{seen}>, {delivery.How}.");

            // The same frames handed out in pieces are the same messages.
            string pieces = Describe(MessageReaderDriver.Play(setup with { StreamFragments = true }, pools, stream, delivery));
            Assert.True(expected == pieces, $"{rule}: expected <{expected}>, saw <{pieces}> in pieces, {delivery.How}.");
        }
    }

    /// <summary>Checks that the fault comes with the <paramref name="byteNumber"/>-th byte and not later.</summary>
    public static void CheckFailsAtByte(string rule, string frames, int byteNumber, string expected, MessageReaderSetup? setup = null)
    {
        byte[] stream = Frames.Hex(frames);
        using MessageReaderPools pools = new();
        MessageReaderTranscript transcript = MessageReaderDriver.Play(
            setup ?? new MessageReaderSetup(), pools, stream, MessageReaderDelivery.ByteByByte(stream.Length));
        Assert.True(transcript.HasFault, $"{rule}: no fault in <{transcript}>.");
        Assert.Equal((rule, expected, byteNumber), (rule, Describe(transcript), transcript.Events[^1].ArrivedBytes));
    }

    private static string Describe(MessageReaderTranscript transcript) => string.Join(" | ", transcript.Events.Select(Describe));

    private static string Describe(MessageReaderEvent found)
    {
        if (found.Kind != ReadEvent.Fault)
        {
            return found.ToString();
        }

        int section = found.Detail.IndexOf('(', StringComparison.Ordinal);
        return section < 0 ? $"fault {found.Detail[..4]}" : $"fault {found.Detail[..4]} {found.Detail[section..]}";
    }
}
