using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Weir.Relay.Brokers;
using Weir.Relay.Diagnostics;
using Weir.Relay.Rooms;
using Weir.Timing;

namespace Weir.Relay.Nodes;

// Requests to all nodes. Nodes are present in a reserved room, through which each finds the others; queries and commands go as messages
// from node to node.
public sealed partial class RelayNode
{
    private const uint NodePresenceSteps = 5;

    private const string NodesRoom = ReservedPrefix + "nodes";

    private static readonly TimeSpan _nodeLifetime = TimeSpan.FromSeconds(3 * NodePresenceSteps);
    private static readonly TimeSpan _answerTimeout = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<IRelayClients, bool> _clients = new();
    private readonly ConcurrentDictionary<long, Answers> _questions = new();
    private readonly DisconnectLog _disconnects;
    private long _question;
    private long _startedAt;

    /// <summary>Adds the clients of a protocol: they are counted, and disconnected on request.</summary>
    public void AddClients(IRelayClients clients)
    {
        ArgumentNullException.ThrowIfNull(clients);
        _clients[clients] = true;
    }

    /// <summary>
    /// Ends the connections of a user or a client, on all nodes; on a node whose link to the broker is down, as soon as it is up again
    /// within 10 minutes.
    /// </summary>
    /// <exception cref="BrokerUnavailableException">
    /// Only this node has executed the request for certain; it may be repeated.
    /// </exception>
    public async ValueTask DisconnectAsync(Disconnection what, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(what);
        DisconnectHere(what);
        if (!Broker.IsSingleNode)
        {
            byte[] message = Encode(new NodeMessage { Disconnect = what, Id = NewId() });

            // Stored first: a node that is not sent the message finds it when it reads the log.
            await _disconnects.AddAsync(message, cancellationToken).ConfigureAwait(false);
            await Broker.SendControlAsync(node: null, message, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Forwards a client's message to the node that has its session: for response streams, whose clients send requests that may reach any
    /// node.
    /// </summary>
    /// <param name="node">The node's <see cref="NodeId"/>, as the client received it.</param>
    /// <param name="session">The secret by which the client names its session.</param>
    /// <param name="data">The message; must not change any more.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>False if the node is this one, and it has no such session. Not reported for another node.</returns>
    /// <exception cref="BrokerUnavailableException">It is another node, and the broker is unavailable to this node or to that one.</exception>
    public async ValueTask<bool> PassOnAsync(
        string node, string session, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default)
    {
        if (node == NodeId)
        {
            return TakeHere(session, data);
        }

        NodeMessage forwarded = new() { Session = session, Data = data.ToArray() };
        await Broker.SendControlAsync(node, Encode(forwarded), cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <summary>Gets all nodes that are up, as they announced themselves a few seconds ago; this one as it is now.</summary>
    /// <exception cref="BrokerUnavailableException">The broker is unavailable.</exception>
    public async ValueTask<IReadOnlyList<NodeInfo>> ReadNodesAsync(CancellationToken cancellationToken = default)
    {
        List<NodeInfo> nodes = [Describe()];
        if (!Broker.IsSingleNode)
        {
            foreach (RoomMember member in await Broker.ReadPresenceAsync(NodesRoom, cancellationToken).ConfigureAwait(false))
            {
                if (member.Client != NodeId
                    && JsonSerializer.Deserialize(member.ConnectionInfo.Span, NodeJson.Default.NodeInfo) is { } node)
                {
                    nodes.Add(node);
                }
            }
        }

        return nodes;
    }

    /// <summary>
    /// Gets the rooms with members on any node, and their numbers. A node that does not answer within a second is left out.
    /// </summary>
    /// <param name="pattern">A glob over their names, as in a rule; empty: all.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="BrokerUnavailableException">The broker is unavailable.</exception>
    public async ValueTask<IReadOnlyDictionary<string, int>> ReadRoomsAsync(
        string pattern = "", CancellationToken cancellationToken = default)
    {
        Dictionary<string, int> rooms = RoomsLike(pattern);
        if (Broker.IsSingleNode)
        {
            return rooms;
        }

        int others = (await ReadNodesAsync(cancellationToken).ConfigureAwait(false)).Count - 1;
        if (others == 0)
        {
            return rooms;
        }

        long question = Interlocked.Increment(ref _question);
        Answers answers = new(others);
        _questions[question] = answers;
        try
        {
            NodeMessage query = new() { RoomsLike = pattern, From = NodeId, Question = question };
            await Broker.SendControlAsync(node: null, Encode(query), cancellationToken).ConfigureAwait(false);
            using RunningTimeout timeout = new(_answerTimeout, _time);
            await timeout.WaitAsync(answers.All, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            _questions.TryRemove(question, out _);
        }

        cancellationToken.ThrowIfCancellationRequested();
        answers.AddTo(rooms);
        return rooms;
    }

    void IBrokerSink.OnControl(ReadOnlyMemory<byte> message)
    {
        NodeMessage? received;
        try
        {
            received = JsonSerializer.Deserialize(message.Span, NodeJson.Default.NodeMessage);
        }
        catch (JsonException error)
        {
            RelayLog.BadControl(Logger, error);
            return;
        }

        if (received?.Disconnect is { } disconnection)
        {
            // A node of an earlier version sends no id.
            _disconnects.Execute(received.Id ?? NewId(), disconnection);
        }

        if (received is { Session: { } session, Data: { } data })
        {
            TakeHere(session, data);
        }

        if (received is { RoomsLike: { } pattern, From: { } sender } && sender != NodeId)
        {
            _ = AnswerAsync(sender, new NodeMessage { Rooms = RoomsLike(pattern), Question = received.Question });
        }

        if (received?.Rooms is { } rooms && _questions.TryGetValue(received.Question, out Answers? answers))
        {
            answers.Add(rooms);
        }
    }

    private static string NewId() => RandomNumberGenerator.GetHexString(16, lowercase: true);

    private static byte[] Encode(NodeMessage message) => JsonSerializer.SerializeToUtf8Bytes(message, NodeJson.Default.NodeMessage);

    private async Task AnswerAsync(string node, NodeMessage answer)
    {
        try
        {
            await Broker.SendControlAsync(node, Encode(answer), CancellationToken.None).ConfigureAwait(false);
        }
        catch (BrokerUnavailableException error)
        {
            RelayLog.BrokerNotAsked(Logger, error, NodesRoom); // the querying node's wait is short
        }
        catch (Exception error)
        {
            RelayLog.BrokerFailed(Logger, error, NodesRoom);
        }
    }

    private bool TakeHere(string session, ReadOnlyMemory<byte> data)
    {
        foreach ((IRelayClients clients, _) in _clients)
        {
            if (clients.TryTake(session, data))
            {
                return true;
            }
        }

        return false;
    }

    private void DisconnectHere(Disconnection what)
    {
        foreach ((IRelayClients clients, _) in _clients)
        {
            clients.Disconnect(what);
        }
    }

    private Dictionary<string, int> RoomsLike(string pattern)
    {
        Dictionary<string, int> found = new(StringComparer.Ordinal);
        foreach (LocalRoom room in Rooms)
        {
            if (pattern.Length == 0 || RoomRules.Matches(pattern, room.Name))
            {
                found[room.Name] = room.Listeners;
            }
        }

        return found;
    }

    private NodeInfo Describe() => new(
        NodeId,
        Settings.NodeName,
        _clients.Keys.Sum(static clients => clients.Count),
        _clients.Keys.Sum(static clients => clients.Users),
        _rooms.Count,
        _time.GetElapsedTime(_startedAt))
    { Rules = Settings.Rules.Digest };

    private void ShowNode()
    {
        if (!Broker.IsSingleNode)
        {
            _ = ShowNodeAsync();
        }
    }

    private async Task ShowNodeAsync()
    {
        try
        {
            RoomMember self = new(
                NodeId, Settings.NodeName, JsonSerializer.SerializeToUtf8Bytes(Describe(), NodeJson.Default.NodeInfo), default);
            await Broker.SetPresenceAsync(NodesRoom, self, _nodeLifetime, CancellationToken.None).ConfigureAwait(false);
            CompareRules(await ReadNodesAsync(CancellationToken.None).ConfigureAwait(false));
        }
        catch (BrokerUnavailableException error)
        {
            RelayLog.PresenceNotUpdated(Logger, error, NodesRoom);
        }
        catch (Exception error)
        {
            RelayLog.BrokerFailed(Logger, error, NodesRoom);
        }
    }

    /// <summary>Other nodes' answers to one query.</summary>
    private sealed class Answers(int expected)
    {
        private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Lock _gate = new();
        private readonly List<Dictionary<string, int>> _rooms = [];

        public Task All => _all.Task;

        public void Add(Dictionary<string, int> rooms)
        {
            lock (_gate)
            {
                _rooms.Add(rooms);
                if (_rooms.Count == expected)
                {
                    _all.TrySetResult();
                }
            }
        }

        public void AddTo(Dictionary<string, int> total)
        {
            lock (_gate)
            {
                foreach ((string room, int listeners) in _rooms.SelectMany(static rooms => rooms))
                {
                    total[room] = total.GetValueOrDefault(room) + listeners;
                }
            }
        }
    }
}
