using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Weir.Relay.Brokers;
using Weir.Relay.Diagnostics;
using Weir.Relay.Nodes;

namespace Weir.Relay.Streams;

/// <summary>
/// The positions of a stream in more rooms than an id can name, stored by the broker so that every node can resume the stream.
/// </summary>
/// <remarks>
/// <para>The log is a reserved room with a random name, its handle, and each entry a publication in it: the positions that have changed
/// since the entry before, and periodically all of them, the less often the more rooms there are. So an event costs the same for any number
/// of rooms, and a reader needs only the last complete entry and those after it.</para>
/// <para>Entries have the stream's own numbers: after the broker has lost its data an entry of the same number cannot be mistaken for
/// another. A log belongs to one stream; a stream that resumes begins a new one, and the old one expires.</para>
/// </remarks>
internal sealed class SseLog(RelayNode relay, int rooms, TimeSpan lifetime)
{
    // Covers the data in flight to the client when its connection breaks: an entry is written after 16 events at the earliest.
    private const int EntriesKept = 512;

    private const int HandleBytes = 12;

    private const string Prefix = RelayNode.ReservedPrefix + "stream:";

    private readonly RoomRule _rule = RuleFor(lifetime);
    private readonly int _completeEvery = Math.Clamp(rooms / SseId.MostPositions, 4, EntriesKept / 4);
    private string _epoch = "";
    private int _sinceComplete;

    /// <summary>The random part of its name.</summary>
    public string Handle { get; } = SseId.Text(RandomNumberGenerator.GetBytes(HandleBytes));

    /// <summary>The number of the last entry; 0 if there is none yet.</summary>
    public long Entry { get; private set; }

    /// <summary>The least time that an entry is kept.</summary>
    public TimeSpan Lifetime => lifetime;

    /// <summary>Whether a text has the form of a handle: it becomes part of a key at the broker.</summary>
    public static bool IsHandle(string text)
        => text.Length == 4 * HandleBytes / 3 && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    /// <summary>Adds an entry. After a failure another call may follow.</summary>
    /// <param name="changed">The rooms whose positions have changed since the last entry.</param>
    /// <param name="positions">The positions of all rooms.</param>
    /// <param name="cancellationToken">Canceled when the client has disconnected.</param>
    /// <exception cref="BrokerUnavailableException">It could not be stored, or it is unknown whether it was.</exception>
    public async Task AppendAsync(IReadOnlyCollection<int> changed, StreamPosition[] positions, CancellationToken cancellationToken)
    {
        bool isComplete = _epoch.Length == 0 || _sinceComplete >= _completeEvery;
        while (true)
        {
            string text = Format(Entry + 1, isComplete ? Enumerable.Range(0, positions.Length) : changed, positions, isComplete);
            string before = _epoch;
            _epoch = ""; // if this fails, the next one is complete
            string epoch = await StoreAsync(new Publication { Data = Encoding.UTF8.GetBytes(text) }, cancellationToken)
                .ConfigureAwait(false);
            Entry++;
            _epoch = epoch;
            if (isComplete || epoch == before)
            {
                _sinceComplete = isComplete ? 0 : _sinceComplete + 1;
                return;
            }

            isComplete = true; // the entries before it are lost
        }
    }

    /// <summary>Reads the positions as of an entry.</summary>
    /// <returns>The positions; <c>null</c> if the log does not reach back to the entry, or has expired.</returns>
    /// <exception cref="BrokerUnavailableException">The broker is unavailable.</exception>
    public static async Task<List<(int Room, StreamPosition Position)>?> ReadAsync(
        RelayNode relay, string handle, long entry, int rooms, CancellationToken cancellationToken)
    {
        RoomHistory history = await relay.Broker.ReadHistoryAsync(
            Prefix + handle, new HistoryQuery(Since: null, Limit: -1), RuleFor(TimeSpan.FromHours(1)), cancellationToken)
            .ConfigureAwait(false);
        List<(int, StreamPosition)>? positions = null;
        long last = 0;
        foreach (Publication publication in history.Publications)
        {
            string[] parts = Encoding.UTF8.GetString(publication.Data.Span).Split(',');
            bool isComplete = parts[0].EndsWith('*');
            if (!long.TryParse(parts[0].AsSpan().TrimEnd('*'), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
                || SseId.ReadChanges(parts.AsSpan(1), rooms) is not { } changes)
            {
                return null;
            }

            positions = isComplete ? changes : number == last + 1 && positions is not null ? [.. positions, .. changes] : null;
            last = number;
            if (number == entry)
            {
                return positions;
            }
        }

        return null;
    }

    private async Task<string> StoreAsync(Publication entry, CancellationToken cancellationToken)
    {
        try
        {
            return (await relay.Broker.PublishAsync(Prefix + Handle, entry, _rule, cancellationToken).ConfigureAwait(false)).Epoch;
        }
        catch (BrokerUnavailableException error)
        {
            RelayLog.StreamNotKept(relay.Logger, relay.Health == BrokerHealth.Up ? LogLevel.Warning : LogLevel.Debug, error);
            throw;
        }
    }

    private static RoomRule RuleFor(TimeSpan lifetime) => new() { HistorySize = EntriesKept, HistoryTtl = lifetime, Durable = true };

    private static string Format(long number, IEnumerable<int> rooms, StreamPosition[] positions, bool isComplete)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{number}{(isComplete ? "*" : "")}");
        foreach (int room in rooms)
        {
            if (!isComplete || positions[room] != default)
            {
                text.Append(CultureInfo.InvariantCulture, $",{room}={positions[room].Epoch}:{positions[room].Offset}");
            }
        }

        return text.ToString();
    }
}
