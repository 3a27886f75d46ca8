using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Weir.Connections;
using Weir.Protocol;

namespace Weir.TestSupport.MessageReading;

/// <summary>
/// Plays a stream to a <see cref="MessageReader"/> as a connection does: read, take events until it needs more, keep the
/// rest, and after a fault only look for the Close. Asserts what holds for any bytes.
/// </summary>
/// <exception cref="MessageReaderMisbehaviorException">
/// More calls than bytes can account for, more rented than the limit allows or than has arrived, something kept after
/// <see cref="MessageReader.Release"/>, or pieces in no order.
/// </exception>
internal sealed class MessageReaderDriver
{
    private readonly MessageReaderSetup _setup;
    private readonly MessageReaderPools _pools;
    private readonly MessageReader _reader;
    private readonly MessageReaderTranscript _transcript = new();
    private (MessageKind Kind, byte[] Payload)? _whole;
    private int _calls;
    private bool _ended;

    private MessageReaderDriver(MessageReaderSetup setup, MessageReaderPools pools)
    {
        _setup = setup;
        _pools = pools;
        _reader = setup.CreateReader(pools);
    }

    public static MessageReaderTranscript Play(
        MessageReaderSetup setup, MessageReaderPools pools, byte[] stream, MessageReaderDelivery delivery)
    {
        MessageReaderDriver driver = new(setup, pools);
        MessageReaderArrivals arrivals = new(stream, delivery);
        for (int i = 0; i <= delivery.Reads.Length && !driver._ended; i++)
        {
            ReadOnlySequence<byte> buffer = arrivals.ReadTo(i < delivery.Reads.Length ? delivery.Reads[i] : stream.Length);
            driver.TakeEvents(ref buffer, arrivals.Arrived);
            arrivals.Keep(buffer);

            // Each call takes off at least a byte, or needs more (once a read), or finds the one fault.
            if (driver._calls > arrivals.Arrived + i + 2)
            {
                throw new MessageReaderMisbehaviorException($"{driver._calls} calls for {arrivals.Arrived} bytes");
            }
        }

        driver._reader.Release();
        pools.AssertAllReturned();
        return driver._transcript;
    }

    private void TakeEvents(ref ReadOnlySequence<byte> buffer, int arrived)
    {
        while (!_ended)
        {
            ReadEvent found = TakeNext(ref buffer);
            _calls++;
            CheckRented(arrived);
            if (found == ReadEvent.NeedMore)
            {
                return;
            }

            if (_reader.IsDiscarding)
            {
                Check(found == ReadEvent.Close, "something else than a Close while discarding");
                _transcript.ClosedAfterFault = _ended = true;
                return;
            }

            Note(found, arrived);
        }
    }

    // As a connection does: out of one array by the short way, where that leads anywhere.
    private ReadEvent TakeNext(ref ReadOnlySequence<byte> buffer)
    {
        _whole = null;
        if (SequenceMarshal.TryGetArray(buffer, out ArraySegment<byte> arrived))
        {
            int start = arrived.Offset;
            int end = start + arrived.Count;
            if (_reader.TryTake(arrived.Array!, ref start, end, out MessageKind kind, out int size))
            {
                _whole = (kind, arrived.Array.AsSpan(start - size, size).ToArray());
                buffer = new ReadOnlySequence<byte>(arrived.Array!, start, end - start);
                return ReadEvent.Message;
            }
        }

        return _reader.Next(ref buffer);
    }

    private void Note(ReadEvent found, int arrived)
    {
        switch (found)
        {
            case ReadEvent.Message:
                Check(!_setup.StreamFragments, "a whole message though pieces were asked for");
                (MessageKind kind, byte[] payload) = _whole ?? (_reader.Kind, _reader.Payload.ToArray());
                Add(found, NameOf(kind), payload, arrived);
                break;
            case ReadEvent.Fragment:
                Check(_setup.StreamFragments, "a piece though messages were asked for");
                AddPiece(arrived);
                break;
            case ReadEvent.Ping or ReadEvent.Pong:
                Add(found, "", _reader.Payload.ToArray(), arrived);
                break;
            case ReadEvent.Close:
                Add(found, $"{(int)_reader.CloseCode} \"{_reader.CloseReason}\"", [], arrived);
                Check(_reader.HasSeenClose, "a Close that was not seen");
                _ended = true;
                break;
            default:
                string reason = _reader.Fault!.Reason;
                Check(Encoding.UTF8.GetByteCount(reason) <= 123, "a reason too long for a Close");
                Add(found, $"{(int)_reader.Fault.Code} {reason}", [], arrived);
                _transcript.ClosedAfterFault = _ended = _reader.HasSeenClose;
                _reader.Discard();
                _pools.AssertAllReturned();
                break;
        }
    }

    private void AddPiece(int arrived)
    {
        List<byte> pieces = _transcript.Unfinished;
        Check(_reader.IsFirst == (pieces.Count == 0), "IsFirst on another piece than the first");
        Check(_reader.IsLast || !_reader.Payload.IsEmpty, "an empty piece in mid-message");
        _transcript.Pieces++;
        pieces.AddRange(_reader.Payload.ToArray());
        if (_reader.IsLast)
        {
            Add(ReadEvent.Message, NameOf(_reader.Kind), [.. pieces], arrived);
            pieces.Clear();
        }
    }

    private static string NameOf(MessageKind kind) => kind == MessageKind.Text ? "text" : "binary";

    private void Add(ReadEvent kind, string detail, byte[] payload, int arrived) =>
        _transcript.Events.Add(new MessageReaderEvent(kind, detail, payload, arrived));

    private void CheckRented(int arrived)
    {
        // A call frees before it returns only what the call before left, so this is the peak.
        long rented = _pools.Arrays.OutstandingBytes;
        _transcript.PeakRentedBytes = Math.Max(_transcript.PeakRentedBytes, rented);
        if (rented > _setup.MaxRentedBytes)
        {
            throw new MessageReaderMisbehaviorException($"{rented} bytes rented, the limit is {_setup.MaxMessageBytes}");
        }

        // Chunks double, so at most half is unused: memory follows what has come, not what a header claims.
        if (_setup.Deflate is null && rented > (2L * arrived) + 1024 + 8)
        {
            throw new MessageReaderMisbehaviorException($"{rented} bytes rented for {arrived} received");
        }
    }

    private static void Check(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new MessageReaderMisbehaviorException(otherwise);
        }
    }
}
