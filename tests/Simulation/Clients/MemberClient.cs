using System.Buffers;
using System.Text;
using Weir.Relay;

namespace Weir.Simulation.Clients;

/// <summary>A raw member: it is given what others send from its join on, and has no words for a loss.</summary>
internal sealed class MemberClient(string name, string room, SimulationWorld world, bool isNumbered) : SimulatedClient(name)
{
    private Membership? _membership;

    public string Room => room;

    public bool CanPublish => _membership is { Local: not null, IsClosed: false };

    public override async void Connect(NodeModel node)
    {
        IsConnected = true;
        Membership membership = new(this, node, world);
        _membership = membership;
        world.Note($"{Name} joins {room} on {node.Name}");
        LocalRoom? local = await node.Relay.JoinAsync(room, membership.Connection);
        if (local is null || _membership != membership)
        {
            if (local is not null)
            {
                node.Relay.Leave(local, membership.Connection);
            }

            return;
        }

        membership.Local = local;
        bool isComplete = world.Scheduler.Clock.GetUtcNow() - membership.Since < NodeModel.BrokerPatience;
        if (isNumbered && isComplete && node.Broker.Health == BrokerHealth.Up)
        {
            membership.From = world.Server.TopOf(room);
        }

        world.Note($"{Name} has joined, at {membership.From?.Epoch}:{membership.From?.Offset}");
        if (membership.IsClosed)
        {
            Cut();
        }
    }

    public override void Cut()
    {
        world.Note($"{Name} is cut");
        IsConnected = false;
        Membership membership = _membership!;
        _membership = null;
        membership.Pipe.Break();
        if (membership.Local is { } local)
        {
            membership.Node.Relay.Leave(local, membership.Connection);
        }
    }

    public async void Publish()
    {
        string text = world.NextText(Name, room);
        _membership!.Own.Add(text);
        world.Note($"{Name} publishes {text}");
        await _membership.Node.Relay.PublishAsync(
            _membership.Local!, new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text)), MessageKind.Text, _membership.Connection);
    }

    public override void CheckComplete()
    {
        if (_membership is not { From: { } from } membership
            || membership.Node.Losses.GetValueOrDefault(room) != membership.LossesBefore)
        {
            return;
        }

        StreamPosition top = world.Server.TopOf(room);
        for (long offset = from.Offset + 1; offset <= top.Offset; offset++)
        {
            string? text = world.Ledger.TextAt(room, top with { Offset = offset });
            if (text is not null && !membership.Expectation.WasGiven(text) && !membership.Own.Contains(text))
            {
                world.Violate($"{Name} in {room} was not given {text}, {top.Epoch}:{offset}, although it had joined at {from.Epoch}:{from.Offset}");
            }
        }
    }

    public override IEnumerable<Expectation> ListeningSince(DateTimeOffset moment, string room)
        => _membership is { } membership && membership.Since < moment && membership.Expectation.Room == room && membership.Local is not null
            ? [membership.Expectation]
            : [];

    private sealed class Membership
    {
        private readonly MemberClient _client;
        private readonly SimulationWorld _world;
        private byte[] _received = [];

        public Membership(MemberClient client, NodeModel node, SimulationWorld world)
        {
            _client = client;
            _world = world;
            Node = node;
            Since = world.Scheduler.Clock.GetUtcNow();
            LossesBefore = node.Losses.GetValueOrDefault(client.Room);
            Expectation = new Expectation(client.Name, client.Room, world, isNumbered: false);
            Pipe = new ClientPipe(world.Scheduler, Arrive);
            Connection = node.NewConnection(Pipe);
        }

        public NodeModel Node { get; }

        public ClientPipe Pipe { get; }

        public WeirConnection Connection { get; }

        public Expectation Expectation { get; }

        public DateTimeOffset Since { get; }

        public int LossesBefore { get; }

        public HashSet<string> Own { get; } = [];

        public LocalRoom? Local { get; set; }

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

                    Expectation.Give(text, said: null);
                }
                else if (opcode == 8)
                {
                    _world.Note($"{_client.Name} is closed: {Encoding.UTF8.GetString(payload.AsSpan(2))}");
                    IsClosed = true;
                    if (Local is not null)
                    {
                        _client.Cut();
                    }
                }
            }
        }
    }
}
