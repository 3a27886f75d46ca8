using Weir.Brokers.Nats.Subjects;
using Weir.Brokers.Nats.Wire;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Streams;

/// <summary>
/// Reads the line: an id in a stream in memory, which is lost when the servers that store it were down together. Then the ends of the
/// streams on disk may be lost as well, since nats-server acknowledges before it has synchronized the disk, and rooms continue under new
/// epochs.
/// </summary>
internal static class LineReader
{
    /// <summary>Returns the current line, and begins one if there is none.</summary>
    /// <exception cref="BrokerUnavailableException">JetStream does not answer, or refuses.</exception>
    public static async Task<string> ReadAsync(JetStream jetStream, StreamSet streams, Names names)
    {
        while (true)
        {
            if (await jetStream.ReadLastAsync(streams.Line, names.Line) is { } message)
            {
                return IdOf(message);
            }

            RecordWriter writer = new(MessageType.Line);
            writer.Write(Guid.NewGuid().ToString("N")[..12]);
            StoreResult result = await jetStream.StoreAsync(streams.Line, names.Line, writer.Written, expected: 0);
            if (result.Kind is StoreResultKind.Refused or StoreResultKind.NoStream)
            {
                throw new BrokerUnavailableException($"NATS refused to store the line: {result.Reason}.", isUnknown: false);
            }

            // Stored by this node or by another; the read shows which.
        }
    }

    private static string IdOf(StoredMessage message)
    {
        RecordReader reader = new(message.Body);
        return reader.TryBegin(out MessageType type) && type == MessageType.Line
            ? reader.ReadText()
            : throw new InvalidDataException("The line is of another version.");
    }
}
