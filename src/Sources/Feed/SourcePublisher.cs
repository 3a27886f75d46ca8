using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text.Unicode;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Sources.Diagnostics;

namespace Weir.Sources;

/// <summary>
/// Publishes the records of a log to rooms: those of one room in their order, each only once as far as the room's history shows. One call
/// of <see cref="PublishAsync"/> at a time.
/// </summary>
/// <remarks>
/// <para>A publication names its record: <see cref="Publication.Node"/> is <c>source:</c> and the partition, and
/// <see cref="Publication.NodeSequence"/> the offset plus one. In a room with history the publisher looks for it there, once for each room
/// after <see cref="Forget"/>, and after each publish of which it is unknown whether the broker has taken it. A record whose publication is
/// found is not published again.</para>
/// <para>In a room without history, and for a publication that the history has dropped already, a record can be published twice: after
/// a node has died between the publish and the acknowledgement, and after a publish whose outcome is unknown. None is left out.</para>
/// </remarks>
public sealed class SourcePublisher
{
    private const string NodePrefix = "source:";

    /// <summary>For at most this many rooms it is remembered that their history was read; then it is read again.</summary>
    private const int MaxRoomsRemembered = 1 << 16;

    private static readonly HistoryQuery _everything = new(Since: null, Limit: -1);

    private readonly RelayNode _relay;
    private readonly RoomSelector _selector;
    private readonly SourcePublisherOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SourceMetrics _metrics;

    // Of each room whose history was read: the hashes of what it has of sources.
    private readonly ConcurrentDictionary<string, Dictionary<(string Node, long Sequence), int>> _found
        = new(StringComparer.Ordinal);

    /// <summary>Creates a publisher.</summary>
    /// <param name="relay">The node whose broker takes the publications, and whose rules apply.</param>
    /// <param name="selector">Chooses the rooms.</param>
    /// <param name="options">Read now; later changes have no effect.</param>
    /// <param name="loggers"><c>null</c>: no log.</param>
    /// <param name="time"><c>null</c>: the system's.</param>
    /// <param name="meters"><c>null</c>: a meter of its own.</param>
    public SourcePublisher(
        RelayNode relay, RoomSelector selector, SourcePublisherOptions options, ILoggerFactory? loggers = null,
        TimeProvider? time = null, IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(relay);
        ArgumentNullException.ThrowIfNull(selector);
        ArgumentNullException.ThrowIfNull(options);
        _relay = relay;
        _selector = selector;
        _options = options;
        _time = time ?? TimeProvider.System;
        _logger = loggers?.CreateLogger(SourceLog.Category) ?? NullLogger.Instance;
        _metrics = new SourceMetrics(meters);
    }

    /// <summary>
    /// Another node may have published records of the same log since: histories are read again before the next record of each room. To be
    /// called when the reader is given partitions.
    /// </summary>
    public void Forget() => _found.Clear();

    /// <summary>
    /// Publishes records, and sets the <see cref="SourceRecord.Outcome"/> of each. While the broker is unavailable it waits and tries again.
    /// </summary>
    /// <param name="records">Those of one partition in their order.</param>
    /// <param name="cancellationToken">Ends the wait; what is not published by then stays pending.</param>
    public async Task PublishAsync(IReadOnlyList<SourceRecord> records, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(records);
        Dictionary<string, List<SourceRecord>> rooms = new(StringComparer.Ordinal);
        foreach (SourceRecord record in records)
        {
            if (RoomOf(record) is { } room)
            {
                (rooms.TryGetValue(room, out List<SourceRecord>? own) ? own : rooms[room] = []).Add(record);
            }
            else
            {
                record.Outcome = SourceOutcome.Rejected;
                _metrics.Handled(_options.Name, "rejected");
            }
        }

        if (_found.Count + rooms.Count > MaxRoomsRemembered)
        {
            _found.Clear();
        }

        await Task.WhenAll(rooms.Select(pair => PublishRoomAsync(pair.Key, pair.Value, cancellationToken))).ConfigureAwait(false);
    }

    private string? RoomOf(SourceRecord record)
    {
        string? room = null;
        record.Reason = record.Value.Length > _options.MaxBytes ? $"It has more than {_options.MaxBytes} bytes."
            : _options.Kind == MessageKind.Text && !Utf8.IsValid(record.Value.Span) ? "It is not UTF-8, and the source's kind is text."
            : (room = _selector.Select(record, out string reason)) is null ? reason
            : _relay.Allows(room) ? ""
            : "A room may not have this name: it is too long, or reserved.";
        return record.Reason.Length == 0 ? room : null;
    }

    // One after another: a record that has to be tried again must not be overtaken.
    private async Task PublishRoomAsync(string room, List<SourceRecord> records, CancellationToken cancellationToken)
    {
        RoomRule rule = _relay.RuleOf(room);
        foreach (SourceRecord record in records)
        {
            Publication publication = new()
            {
                Data = record.Value,
                Kind = _options.Kind,
                Node = NodePrefix + record.Partition,
                NodeSequence = record.Offset + 1,
            };
            bool hasFailed = false;
            while (record.Outcome == SourceOutcome.Pending && !cancellationToken.IsCancellationRequested)
            {
                if (await TryAsync(room, rule, publication).ConfigureAwait(false) is { } outcome)
                {
                    record.Outcome = outcome;
                    _metrics.Handled(_options.Name, outcome == SourceOutcome.Repeated ? "repeated" : "published");
                }
                else
                {
                    if (!hasFailed)
                    {
                        hasFailed = true;
                        SourceLog.Waits(_logger, _options.Name, room);
                    }

                    await Task.Delay(_options.RetryInterval, _time, cancellationToken)
                        .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }

            if (record.Outcome == SourceOutcome.Pending)
            {
                return;
            }
        }
    }

    // Returns null if the broker could not do it.
    private async Task<SourceOutcome?> TryAsync(string room, RoomRule rule, Publication publication)
    {
        try
        {
            if (rule.KeepsHistory && (await FoundInAsync(room, rule).ConfigureAwait(false))
                    .TryGetValue((publication.Node!, publication.NodeSequence), out int data)
                && data == HashOf(publication))
            {
                return SourceOutcome.Repeated;
            }

            StreamPosition position = await _relay.Broker
                .PublishAsync(room, publication, rule with { Durable = true }, CancellationToken.None).ConfigureAwait(false);
            return rule.KeepsHistory && position.Offset == 0 ? null : SourceOutcome.Published;
        }
        catch (BrokerUnavailableException error)
        {
            if (error.IsUnknown)
            {
                _found.TryRemove(room, out _); // the history shows whether it was taken
                _metrics.Handled(_options.Name, "unknown");
            }

            SourceLog.TryFailed(_logger, error, _options.Name, room);
            return null;
        }
    }

    private async ValueTask<Dictionary<(string Node, long Sequence), int>> FoundInAsync(string room, RoomRule rule)
    {
        if (!_found.TryGetValue(room, out Dictionary<(string Node, long Sequence), int>? found))
        {
            RoomHistory history = await _relay.Broker.ReadHistoryAsync(room, _everything, rule, CancellationToken.None)
                .ConfigureAwait(false);
            found = [];
            foreach (Publication publication in history.Publications)
            {
                if (publication.Node is { } node && node.StartsWith(NodePrefix, StringComparison.Ordinal))
                {
                    found[(node, publication.NodeSequence)] = HashOf(publication);
                }
            }

            _found[room] = found;
        }

        return found;
    }

    // A log that was created anew gives its offsets again, to other records.
    private static int HashOf(Publication publication)
    {
        HashCode hash = default;
        hash.AddBytes(publication.Data.Span);
        return hash.ToHashCode();
    }
}
