using System.Buffers;

namespace Weir.TestSupport.MessageReading;

/// <summary>
/// What a pipe shows of a stream from read to read: what was not taken off stays, in the same memory, and the new comes
/// behind it. Memory not yet arrived at holds other bytes than the stream, so that a look or a write ahead shows.
/// </summary>
internal sealed class MessageReaderArrivals
{
    private const byte NotArrived = 0xCC;

    private readonly byte[] _stream;
    private readonly byte[] _memory;
    private Segment _first;
    private Segment _last;
    private readonly bool _inArray;
    private int _consumed;

    public MessageReaderArrivals(byte[] stream, MessageReaderDelivery delivery)
    {
        int[] cuts = delivery.Cuts;
        _inArray = delivery.InArray;
        _stream = stream;
        _memory = new byte[stream.Length];
        _memory.AsSpan().Fill(NotArrived);
        Segment last = _first = _last = new Segment(_memory.AsMemory(0, cuts.Length == 0 ? stream.Length : cuts[0]), 0);
        for (int i = 0; i < cuts.Length; i++)
        {
            last = last.Append(_memory.AsMemory(cuts[i]..(i + 1 < cuts.Length ? cuts[i + 1] : stream.Length)));
        }
    }

    public int Arrived { get; private set; }

    /// <summary>What one more read, up to this position of the stream, shows.</summary>
    public ReadOnlySequence<byte> ReadTo(int position)
    {
        _stream.AsSpan(Arrived..position).CopyTo(_memory.AsSpan(Arrived));
        Arrived = position;
        if (_inArray)
        {
            return new ReadOnlySequence<byte>(_memory, _consumed, position - _consumed);
        }

        _first = Find(_first, _consumed);
        _last = Find(_last, position);
        return new ReadOnlySequence<byte>(
            _first, _consumed - (int)_first.RunningIndex, _last, position - (int)_last.RunningIndex);
    }

    /// <summary>Gives back what the reader left.</summary>
    public void Keep(in ReadOnlySequence<byte> rest)
    {
        int consumed = Arrived - (int)rest.Length;
        Check(consumed >= _consumed, "more was left than there was");
        Span<byte> ahead = _memory.AsSpan(Arrived..Math.Min(Arrived + 64, _memory.Length));
        Check(!ahead.ContainsAnyExcept(NotArrived), "bytes behind the buffer were written");
        _consumed = consumed;
    }

    private static Segment Find(Segment segment, int position)
    {
        while (segment.Next is Segment next && next.RunningIndex <= position)
        {
            segment = next;
        }

        return segment;
    }

    private static void Check(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new MessageReaderMisbehaviorException(otherwise);
        }
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long runningIndex)
        {
            Memory = memory;
            RunningIndex = runningIndex;
        }

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            Segment next = new(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
