using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Weir.Connections;
using Weir.Handshake;
using Weir.Hosting;
using Weir.Protocols.Centrifugo.Protocol.Json;
using Weir.Protocols.Centrifugo.Sessions;
using Weir.Relay;
using Weir.Relay.Access;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Relay.Streams;
using Weir.Sending;
using Weir.Simulation.Clients;
using Weir.Simulation.Model;
using Weir.Testing;

namespace Weir.Simulation;

/// <summary>One node: the product itself, over a model of its broker.</summary>
internal sealed class NodeModel
{
    /// <summary>So long a join waits for the broker at the most; then it is not sure to be given everything.</summary>
    public static readonly TimeSpan BrokerTimeout = TimeSpan.FromSeconds(1);

    private static readonly PipeReader _nothing = PipeReader.Create(ReadOnlySequence<byte>.Empty);

    private readonly WeirListener _listener;
    private readonly WeirEndpoint _sockets;
    private int _connections;

    public NodeModel(string name, SimulationWorld world, RoomRule[] rules)
    {
        Name = name;
        Broker = new BrokerModel(name, world.Server, world.Scheduler);
        NodeLog log = new(this, world);
        WeirEngine engine = new(log, meters: null, world.Scheduler.Clock);
        _listener = new WeirListener(engine);
        _sockets = new WeirEndpoint("/ws", new SilentHandler(), new WeirOptions().ToSettings(), engine, SharedFramesPool.Shared,
            ArrayPool<byte>.Shared);
        RelayOptions options =
            new() { Rules = new RoomRules(rules), PositionCheckInterval = TimeSpan.FromSeconds(5), BrokerTimeout = BrokerTimeout };
        Relay = new RelayNode(Broker, members: null, options, log, meters: null, world.Scheduler.Clock);
        WeirNode node = new(engine);
        SseOptions streams = new();
        Sse = new SseEndpoint(
            Relay, node, OpenAccess.Instance, streams.ToSettings(node), new OriginPolicy(streams.AllowedOrigins), streams.MaxHeadBytes);
        Hub = new CentrifugoHub(Relay, OpenAccess.Instance, application: null, node,
            new CentrifugoSettings(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(25), MaxPublicationsPerReply: 300),
            JsonForm.Instance, log);
    }

    public string Name { get; }

    public BrokerModel Broker { get; }

    public RelayNode Relay { get; }

    public SseEndpoint Sse { get; }

    /// <summary>The sessions of Centrifugo's protocol.</summary>
    public CentrifugoHub Hub { get; }

    public NotingAudiences Audiences { get; } = new();

    /// <summary>How often publications of a room were lost here, for which raw members have no notification.</summary>
    public Dictionary<string, int> Losses { get; } = [];

    public WeirConnection NewConnection(PipeWriter output)
    {
        DefaultConnectionContext transport = new($"{Name}-c{++_connections}", new DuplexPipe(_nothing, output), application: null!);
        ConnectionTimer timer = new(_listener.Wheel, transport, _listener.Engine);
        UpgradeRequest request = UpgradeRequest.FromHttp("GET", "/ws", []);
        return new WeirConnection(_sockets, transport, timer, request, remoteAddress: null, subprotocol: null, deflate: null);
    }

    private sealed class SilentHandler : WeirHandler;
}
