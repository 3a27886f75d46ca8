using System.Buffers;
using System.Text;
using Weir.Connections;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Relay.Rooms;

namespace Weir.Simulation.Clients;

/// <summary>
/// A raw member: it is given what others send from its join on, and has no words for a loss. In several rooms it sends each message to
/// all of them, and is given those of others once.
/// </summary>
/// <param name="name">Its name.</param>
/// <param name="rooms">Its rooms; several have no publishers but such members.</param>
/// <param name="world">Where it is.</param>
/// <param name="isNumbered">Whether the room keeps history, so that missing messages can be found; not of several rooms.</param>
internal sealed class MemberClient(string name, string[] rooms, SimulationWorld world, bool isNumbered) : SimulatedClient(name)
{
    private Membership? _membership;
    private int _memberships;

    public string Room { get; } = string.Join('+', rooms);

    public bool CanPublish => _membership is { Local: not null, IsClosed: false };

    public override bool IsIn(NodeModel node, string room) => _membership?.Node == node && rooms.Contains(room);

    public override async void Connect(NodeModel node)
    {
        IsConnected = true;
        Membership membership = new(this, node, world, ++_memberships);
        _membership = membership;
        world.Note($"{Name} joins {Room} on {node.Name}");
        List<LocalRoom> local = [];
        foreach (string room in rooms)
        {
            if (_membership == membership && await node.Relay.JoinAsync(room, membership.Connection) is { } joined)
            {
                local.Add(joined);
            }
        }

        if (local.Count < rooms.Length || _membership != membership)
        {
            Leave(node, membership, local);
            return;
        }

        membership.Local = local;
        membership.JoinedAt = world.Scheduler.Clock.GetUtcNow();
        bool isComplete = world.Scheduler.Clock.GetUtcNow() - membership.Since < NodeModel.BrokerTimeout
            && !node.Broker.HasFailedSince(membership.Since);
        if (isNumbered && isComplete && node.Broker.Health == BrokerHealth.Up)
        {
            membership.From = world.Server.TopOf(Room);
        }

        world.Note($"{Name} has joined, at {membership.From?.Epoch}:{membership.From?.Offset}");
        if (membership.IsClosed)
        {
            Abort();
        }
    }

    public override void Abort()
    {
        world.Note($"{Name} is disconnected");
        IsConnected = false;
        Membership membership = _membership!;
        _membership = null;
        membership.Pipe.Break();
        if (membership.Local is { } local)
        {
            Leave(membership.Node, membership, local);
        }
    }

    public async void Publish()
    {
        // A publisher's order holds on one connection.
        string text = world.NextText($"{Name}.{_membership!.Number}", Room);
        _membership.Own.Add(text);
        world.Note($"{Name} publishes {text}");
        await _membership.Node.Relay.PublishAsync(
            _membership.Local!, new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text)), MessageKind.Text, _membership.Connection);
    }

    public override void CheckComplete()
    {
        if (_membership is not { From: { } from } membership
            || membership.Node.Losses.GetValueOrDefault(Room) != membership.LossesBefore)
        {
            return;
        }

        StreamPosition top = world.Server.TopOf(Room);
        for (long offset = from.Offset + 1; offset <= top.Offset; offset++)
        {
            string? text = world.Ledger.TextAt(Room, top with { Offset = offset });
            if (text is not null && !membership.Expectation.WasGiven(text) && !membership.Own.Contains(text))
            {
                world.Violate(
                    $"{Name} in {Room} was not given {text}, {top.Epoch}:{offset}, although it had joined at {from.Epoch}:{from.Offset}");
            }
        }
    }

    public override IEnumerable<Expectation> ListeningSince(DateTimeOffset moment, string room)
        => _membership is { } membership && membership.JoinedAt < moment && membership.Expectation.Room == room
            ? [membership.Expectation]
            : [];

    private static void Leave(NodeModel node, Membership membership, List<LocalRoom> rooms)
        => rooms.ForEach(room => node.Relay.Leave(room, membership.Connection));

    private sealed class Membership
    {
        private readonly MemberClient _client;
        private readonly SimulationWorld _world;
        private byte[] _received = [];

        public Membership(MemberClient client, NodeModel node, SimulationWorld world, int number)
        {
            Number = number;
            _client = client;
            _world = world;
            Node = node;
            Since = world.Scheduler.Clock.GetUtcNow();
            LossesBefore = node.Losses.GetValueOrDefault(client.Room);
            Expectation = new Expectation(client.Name, client.Room, world,
                isNumbered: false)
            { IsOrdered = !client.Room.Contains('+', StringComparison.Ordinal) };
            Pipe = new ClientPipe(world.Scheduler, Arrive);
            Connection = node.NewConnection(Pipe);
        }

        public int Number { get; }

        public NodeModel Node { get; }

        public ClientPipe Pipe { get; }

        public WeirConnection Connection { get; }

        public Expectation Expectation { get; }

        public DateTimeOffset Since { get; }

        public DateTimeOffset? JoinedAt { get; set; }

        public int LossesBefore { get; }

        public HashSet<string> Own { get; } = [];

        public List<LocalRoom>? Local { get; set; }

        public StreamPosition? From { get; set; }

        public bool IsClosed { get; private set; }

        // Frames of a server, RFC 6455 section 5.2, short ones.
        private void Arrive(ReadOnlyMemory<byte> bytes)
        {
            _received = [.. _received, .. bytes.Span];
            while (_received.Length >= 2 && _received.Length >= 2 + _received[1])
            {
                byte[] payload = _received[2..(2 + _received[1])];
                int opcode = _received[0] & 0xF;
                _received = _received[(2 + _received[1])..];
                if (opcode == 1)
                {
                    string text = Encoding.UTF8.GetString(payload);
                    if (Own.Contains(text))
                    {
                        _world.Violate($"{_client.Name} was given {text}, which it had published itself");
                    }

                    Expectation.Give(text, reported: null);
                }
                else if (opcode == 8)
                {
                    _world.Note($"{_client.Name} is closed: {Encoding.UTF8.GetString(payload.AsSpan(2))}");
                    IsClosed = true;
                    if (Local is not null)
                    {
                        _client.Abort();
                    }
                }
            }
        }
    }
}
