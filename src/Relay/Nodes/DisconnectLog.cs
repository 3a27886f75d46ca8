using System.Text.Json;
using Weir.Relay.Brokers;
using Weir.Relay.Diagnostics;

namespace Weir.Relay.Nodes;

/// <summary>
/// The requests to end connections, which the broker stores for a while: a control message is delivered at most once, so a node that had no
/// link to the broker, or lost the message, executes the request when it reads the log.
/// </summary>
/// <remarks>
/// All members are thread-safe. The log of a single node is empty, and is not read. Nor is there one on a broker without history, which
/// delivers control messages of an outage afterwards, or not at all.
/// </remarks>
/// <param name="node">The node, for its broker and its log.</param>
/// <param name="execute">Ends the connections of this node.</param>
internal sealed class DisconnectLog(RelayNode node, Action<Disconnection> execute)
{
    /// <summary>The room whose history is the log.</summary>
    internal const string Room = RelayNode.ReservedPrefix + "disconnects";

    internal static readonly RoomRule Rule = new() { Pattern = Room, HistorySize = 1000, HistoryTtl = TimeSpan.FromMinutes(10) };

    private readonly Lock _gate = new();
    private readonly HashSet<string> _executed = []; // by their ids, since the last read
    private StreamPosition? _position; // requests up to it have been executed; null until the first read
    private bool _mustRead;
    private bool _isReading;

    /// <summary>Stores a request that this node has executed.</summary>
    /// <exception cref="BrokerUnavailableException">The broker is unavailable.</exception>
    public async ValueTask AddAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        if (node.Broker.KeepsHistory)
        {
            await node.Broker.PublishAsync(Room, new Publication { Data = message, Node = node.NodeId }, Rule, cancellationToken)
                .ConfigureAwait(false);
        }
    }

    /// <summary>Executes a request of another node unless that has been done.</summary>
    public void Execute(string id, Disconnection what)
    {
        lock (_gate)
        {
            if (node.Broker.KeepsHistory && !_executed.Add(id))
            {
                return;
            }
        }

        execute(what);
    }

    /// <summary>Begins to read the log, and executes the requests that this node missed.</summary>
    public void Read()
    {
        if (node.Broker.IsSingleNode || !node.Broker.KeepsHistory)
        {
            return;
        }

        bool begins;
        lock (_gate)
        {
            _mustRead = true; // also if a read is in progress, which may have begun before the link was up
            begins = !_isReading;
            _isReading = true;
        }

        if (begins)
        {
            _ = ReadAllAsync();
        }
    }

    private async Task ReadAllAsync()
    {
        while (TryBeginRead(out StreamPosition? since, out string[] executedBefore))
        {
            try
            {
                HistoryQuery query = new(since, Limit: since is null ? 0 : -1);
                RoomHistory history = await node.Broker.ReadHistoryAsync(Room, query, Rule, CancellationToken.None).ConfigureAwait(false);
                if (since is { } from)
                {
                    ExecuteMissed(history, from);
                }

                EndRead(history.Top, executedBefore);
            }
            catch (BrokerUnavailableException error)
            {
                RelayLog.BrokerNotAsked(node.Logger, error, Room);
            }
            catch (Exception error)
            {
                RelayLog.BrokerFailed(node.Logger, error, Room);
            }
        }
    }

    private bool TryBeginRead(out StreamPosition? since, out string[] executedBefore)
    {
        lock (_gate)
        {
            _isReading = _mustRead;
            _mustRead = false;
            since = _position;
            executedBefore = [.. _executed];
            return _isReading;
        }
    }

    private void ExecuteMissed(RoomHistory history, StreamPosition since)
    {
        long expected = since.Offset + 1;
        bool isComplete = history.Holds(since);
        foreach (Publication publication in history.Publications)
        {
            isComplete &= publication.Offset == expected;
            expected = publication.Offset + 1;
            if (publication.Node != node.NodeId && ReadMessage(publication) is { Disconnect: { } what, Id: { } id })
            {
                Execute(id, what);
            }
        }

        if (!isComplete || expected <= history.Top.Offset)
        {
            RelayLog.DisconnectsLost(node.Logger);
        }
    }

    private NodeMessage? ReadMessage(Publication publication)
    {
        try
        {
            return JsonSerializer.Deserialize(publication.Data.Span, NodeJson.Default.NodeMessage);
        }
        catch (JsonException error)
        {
            RelayLog.BadControl(node.Logger, error);
            return null;
        }
    }

    // What was executed before the read is in what it returned, or older.
    private void EndRead(StreamPosition top, string[] executedBefore)
    {
        lock (_gate)
        {
            _position = top;
            _executed.ExceptWith(executedBefore);
        }
    }
}
