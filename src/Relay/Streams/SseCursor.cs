using System.Buffers;
using System.Globalization;
using Weir.Relay.Brokers;

namespace Weir.Relay.Streams;

/// <summary>
/// The positions up to which a stream's rooms were written to the client, and the ids made from them. An id never names more than was
/// written before it. Not thread-safe: guarded by the stream.
/// </summary>
internal sealed class SseCursor
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

    /// <param name="positions">The client's position in each room; the default if it has none.</param>
    /// <param name="digest">The digest of the rooms' names, see <see cref="SseId.DigestOf"/>.</param>
    /// <param name="log">Stores the positions that an id cannot name; <c>null</c> for a stream whose ids name them all.</param>
    public SseCursor(StreamPosition[] positions, string digest, SseLog? log)
    {
        _positions = positions;
        _digest = digest;
        _log = log;
        for (int room = 0; room < positions.Length; room++)
        {
            Note(room);
        }
    }

    /// <summary>The number of the stream's rooms; 0: its events have no ids.</summary>
    public int Rooms => _positions.Length;

    /// <summary>Whether the position of any room is known.</summary>
    public bool IsAnyKnown => Array.Exists(_positions, static position => position != default);

    /// <summary>
    /// Whether more positions have changed than an id names, so that <see cref="KeepAsync"/> must come before the next id.
    /// </summary>
    public bool MustKeep => _changed.Count > SseId.MostPositions;

    /// <summary>The time after which stored positions must be stored again, lest they expire; <c>null</c> if never.</summary>
    public TimeSpan? KeptFor => _log is { Entry: > 0 } ? _log.Lifetime / 3 : null;

    /// <summary>Sets the client's position in a room.</summary>
    public void Set(int room, StreamPosition position)
    {
        _positions[room] = position;
        Note(room);
    }

    /// <summary>Appends the positions to the log, so that an id can refer to them.</summary>
    /// <exception cref="BrokerUnavailableException">They could not be stored.</exception>
    public async Task KeepAsync(CancellationToken cancellationToken)
    {
        await _log!.AppendAsync(_changed, _positions, cancellationToken).ConfigureAwait(false);
        _changed.Clear();
    }

    /// <summary>Writes the id of an event.</summary>
    /// <param name="output">The destination.</param>
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
