using Weir.Brokers.Nats.Wire;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Logs;

/// <summary>
/// A message of a room's log: publications with their offsets, and the state of the sequence after them, so that the last message of a
/// subject is all that a node needs to continue.
/// </summary>
/// <remarks>
/// <code>
/// 1 2 epoch line top floor until
/// count of past epochs, each: epoch offset
/// count of pointers, then the first: sequence top; each other: how much less both are
/// count of publications, then each: how much more its offset is, length, body
/// </code>
/// </remarks>
internal static class LogRecord
{
    /// <summary>Writes a message; <paramref name="offsets"/> are those of the <paramref name="bodies"/>, in ascending order.</summary>
    public static ReadOnlyMemory<byte> Encode(LogState state, ReadOnlySpan<long> offsets, ReadOnlySpan<byte[]> bodies)
    {
        RecordWriter writer = new(MessageType.Log);
        writer.Write(state.Epoch);
        writer.Write(state.Line);
        writer.WriteNumber((ulong)state.Top);
        writer.WriteNumber((ulong)state.Floor);
        writer.WriteNumber((ulong)state.Until);
        writer.WriteNumber((ulong)state.Past.Count);
        foreach (StreamPosition past in state.Past)
        {
            writer.Write(past.Epoch);
            writer.WriteNumber((ulong)past.Offset);
        }

        writer.WriteNumber((ulong)state.Earlier.Count);
        LogPointer before = new(0, 0);
        for (int i = 0; i < state.Earlier.Count; i++)
        {
            LogPointer pointer = state.Earlier[i];
            writer.WriteNumber(i == 0 ? pointer.Sequence : before.Sequence - pointer.Sequence);
            writer.WriteNumber((ulong)(i == 0 ? pointer.Top : before.Top - pointer.Top));
            before = pointer;
        }

        writer.WriteNumber((ulong)offsets.Length);
        long offset = 0;
        for (int i = 0; i < offsets.Length; i++)
        {
            writer.WriteNumber((ulong)(offsets[i] - offset));
            writer.WriteField(bodies[i]);
            offset = offsets[i];
        }

        return writer.Written;
    }

    /// <summary>Reads the state, and leaves the reader at the publications.</summary>
    /// <exception cref="InvalidDataException">It is not such a message.</exception>
    public static LogState ReadState(ref RecordReader reader)
    {
        string epoch = reader.ReadText();
        string line = reader.ReadText();
        long top = (long)reader.ReadNumber();
        long floor = (long)reader.ReadNumber();
        long until = (long)reader.ReadNumber();
        StreamPosition[] past = new StreamPosition[reader.ReadCount()];
        for (int i = 0; i < past.Length; i++)
        {
            past[i] = new StreamPosition(reader.ReadText(), (long)reader.ReadNumber());
        }

        LogPointer[] pointers = new LogPointer[reader.ReadCount()];
        for (int i = 0; i < pointers.Length; i++)
        {
            ulong sequence = reader.ReadNumber();
            long offset = (long)reader.ReadNumber();
            pointers[i] = i == 0
                ? new LogPointer(sequence, offset)
                : new LogPointer(pointers[i - 1].Sequence - sequence, pointers[i - 1].Top - offset);
        }

        return new LogState { Epoch = epoch, Line = line, Top = top, Floor = floor, Until = until, Past = past, Earlier = pointers };
    }

    /// <summary>Reads only the epoch, and leaves the reader at the publications.</summary>
    /// <exception cref="InvalidDataException">It is not such a message.</exception>
    public static ReadOnlyMemory<byte> ReadEpoch(ref RecordReader reader)
    {
        ReadOnlyMemory<byte> epoch = reader.ReadField();
        reader.ReadField();
        reader.ReadNumber();
        reader.ReadNumber();
        reader.ReadNumber();
        for (int i = reader.ReadCount(); i > 0; i--)
        {
            reader.ReadField();
            reader.ReadNumber();
        }

        for (int i = reader.ReadCount(); i > 0; i--)
        {
            reader.ReadNumber();
            reader.ReadNumber();
        }

        return epoch;
    }

    /// <summary>Reads the next publication; <paramref name="offset"/> is that of the one before, at first 0.</summary>
    /// <exception cref="InvalidDataException">It is not such a message.</exception>
    public static Publication ReadPublication(ref RecordReader reader, ref long offset)
    {
        offset += (long)reader.ReadNumber();
        return Bodies.ReadPublication(reader.ReadField(), offset);
    }

    /// <summary>Reads a stored message as a whole.</summary>
    /// <exception cref="InvalidDataException">It is not such a message.</exception>
    public static (LogState State, List<Publication> Publications) Read(ReadOnlyMemory<byte> message)
    {
        RecordReader reader = new(message);
        if (!reader.TryBegin(out MessageType type) || type != MessageType.Log)
        {
            throw new InvalidDataException("The message is of another version or type.");
        }

        LogState state = ReadState(ref reader);
        int count = reader.ReadCount();
        List<Publication> publications = new(count);
        long offset = 0;
        for (int i = 0; i < count; i++)
        {
            publications.Add(ReadPublication(ref reader, ref offset));
        }

        return (state, publications);
    }
}
