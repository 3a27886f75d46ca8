using System.Buffers;
using System.Globalization;

namespace Weir.Relay.Sse;

/// <summary>
/// Up to where a stream has given its rooms to the client, and the ids that say so. An id never says more than what was written
/// before it. Not thread-safe: guarded by the stream.
/// </summary>
internal sealed class SsePlace
{
    /// <summary>
    /// The position of a room for a client whose id could not be read, until the loss is written: a client that returns with it is
    /// notified, as no broker has such an epoch.
    /// </summary>
    public static readonly StreamPosition Unknown = new("?", 0);

    private readonly StreamPosition[] _positions;
    private readonly string _digest;
    private readonly SseLog? _log;
    private readonly HashSet<int> _changed = [];
    private readonly ArrayBufferWriter<byte> _id = new();

    /// <param name="positions">Up to where the client knows each room; the default: it knows nothing of it.</param>
    /// <param name="digest">The digest of the rooms' names, see <see cref="SseId.DigestOf"/>.</param>
    /// <param name="log">Keeps the positions that an id cannot name; <c>null</c> for a stream whose ids name them all.</param>
    public SsePlace(StreamPosition[] positions, string digest, SseLog? log)
    {
        _positions = positions;
        _digest = digest;
        _log = log;
        for (int room = 0; room < positions.Length; room++)
        {
            Note(room);
        }
    }

    /// <summary>How many rooms the stream has; 0: its events have no ids.</summary>
    public int Rooms => _positions.Length;

    /// <summary>Whether the position of any room is known.</summary>
    public bool IsAnyKnown => Array.Exists(_positions, static position => position != default);

    /// <summary>Whether more positions have changed than an id names, so that <see cref="KeepAsync"/> must come before the next id.</summary>
    public bool MustKeep => _changed.Count > SseId.MostPositions;

    /// <summary>Kept positions have to be kept again after this time, lest they expire; <c>null</c>: never.</summary>
    public TimeSpan? KeptFor => _log is { Entry: > 0 } ? _log.Lifetime / 3 : null;

    /// <summary>The client knows a room up to here.</summary>
    public void Set(int room, StreamPosition position)
    {
        _positions[room] = position;
        Note(room);
    }

    /// <summary>Puts the positions into the log, so that an id can refer to them.</summary>
    /// <exception cref="BrokerUnavailableException">They could not be stored.</exception>
    public async Task KeepAsync(CancellationToken cancellationToken)
    {
        await _log!.AppendAsync(_changed, _positions, cancellationToken).ConfigureAwait(false);
        _changed.Clear();
    }

    /// <summary>Writes the id of an event.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="room">The event's room.</param>
    /// <returns>The number of bytes.</returns>
    public int WriteId(IBufferWriter<byte> output, int room)
    {
        _id.ResetWrittenCount();
        _id.Write("id: "u8);
        if (Rooms == 1)
        {
            Write(_positions[0]);
        }
        else
        {
            Write(room);
            _id.Write(";"u8);
            if (_log is null)
            {
                for (int i = 0; i < Rooms; i++)
                {
                    _id.Write(i > 0 ? ","u8 : default);
                    Write(_positions[i]);
                }
            }
            else
            {
                WriteChanges(_log);
            }

            _id.Write(";"u8);
            Write(_digest);
        }

        _id.Write("\n"u8);
        output.Write(_id.WrittenSpan);
        return _id.WrittenCount;
    }

    private void WriteChanges(SseLog log)
    {
        _id.Write("@"u8);
        if (log.Entry > 0)
        {
            Write(log.Handle);
            _id.Write("."u8);
            Write(log.Entry);
        }

        foreach (int changed in _changed)
        {
            _id.Write(","u8);
            Write(changed);
            _id.Write("="u8);
            Write(_positions[changed]);
        }
    }

    private void Write(StreamPosition position)
    {
        Write(position.Epoch);
        _id.Write(":"u8);
        Write(position.Offset);
    }

    private void Write(string text)
    {
        Span<byte> bytes = _id.GetSpan(System.Text.Encoding.UTF8.GetMaxByteCount(text.Length));
        _id.Advance(System.Text.Encoding.UTF8.GetBytes(text, bytes));
    }

    private void Write(long number)
    {
        _ = number.TryFormat(_id.GetSpan(20), out int written, provider: CultureInfo.InvariantCulture);
        _id.Advance(written);
    }

    private void Note(int room)
    {
        if (_log is not null && (_positions[room] != default || _log.Entry > 0))
        {
            _changed.Add(room);
        }
    }
}
