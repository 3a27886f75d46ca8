using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Time.Testing;
using Weir.Brokers.Testing;
using Weir.Connections;
using Weir.Handshake;
using Weir.Hosting;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Relay.Rooms;
using Weir.Sending;
using Weir.Testing;

namespace Weir.Relay.Tests.Nodes;

/// <summary>One node on a clock that the test moves, and connections that need no socket.</summary>
internal sealed class RelayWorld : IAsyncDisposable
{
    private static readonly PipeReader _nothing = PipeReader.Create(ReadOnlySequence<byte>.Empty);

    private readonly WeirListener _listener = new(new WeirEngine(loggers: null, meters: null, time: null));
    private readonly WeirEndpoint _endpoint;
    private int _connections;

    private RelayWorld(IBroker broker, RelayOptions options)
    {
        _endpoint = new WeirEndpoint("/ws", new SilentHandler(), new WeirOptions().ToSettings(), _listener.Engine, SharedFramesPool.Shared,
            ArrayPool<byte>.Shared);
        Node = new RelayNode(broker, members: null, options, Log, Metrics, Time);
    }

    public FakeTimeProvider Time { get; } = new();

    public LogProbe Log { get; } = new();

    public MetricProbe Metrics { get; } = new();

    public RelayNode Node { get; }

    public static async Task<RelayWorld> StartAsync(IBroker broker, params RoomRule[] rules)
        => await StartAsync(broker, new RelayOptions { Rules = new RoomRules(rules) });

    public static async Task<RelayWorld> StartAsync(IBroker broker, RelayOptions options)
    {
        RelayWorld world = new(broker, options);
        await world.Node.StartAsync().Within();
        return world;
    }

    public WeirConnection NewConnection(PipeWriter output)
    {
        DefaultConnectionContext transport =
            new("c" + Interlocked.Increment(ref _connections), new DuplexPipe(_nothing, output), application: null!);
        ConnectionTimer timer = new(_listener.Wheel, transport, _listener.Engine);
        UpgradeRequest request = UpgradeRequest.FromHttp("GET", "/ws", []);
        return new WeirConnection(_endpoint, transport, timer, request, remoteAddress: null, subprotocol: null, deflate: null);
    }

    /// <summary>A connection that is in the room, once the join has completed.</summary>
    public async Task<Member> JoinAsync(string room)
    {
        StallingPipeWriter received = new();
        WeirConnection connection = NewConnection(received);
        LocalRoom? local = await Node.JoinAsync(room, connection).Within();
        return new Member(Node, local!, connection, received);
    }

    public Task<StreamPosition> PublishAsync(string room, string text) => Node.PublishAsync(room, text.ToPublication()).Within();

    /// <summary>Runs the maintenance for so many steps.</summary>
    public void RunMaintenance(int steps = 1)
    {
        for (int i = 0; i < steps; i++)
        {
            Time.Advance(RelayNode.MaintenanceStep);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        _listener.Wheel.Dispose();
        Metrics.Dispose();
    }

    private sealed class SilentHandler : WeirHandler;
}

/// <summary>A connection in a room, and what it receives.</summary>
internal sealed record Member(RelayNode Node, LocalRoom Room, WeirConnection Connection, StallingPipeWriter Writer)
{
    /// <summary>Text messages, and "close CODE REASON".</summary>
    public IReadOnlyList<string> Received =>
    [
        .. Frames.ParseAll(Writer.Sent)
            .Select(static frame => frame.Opcode == 0x8 ? $"close {frame.CloseCode} {frame.CloseReason}" : frame.Text),
    ];

    public Task SendAsync(string text)
        => Node.PublishAsync(Room, new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text)), MessageKind.Text, Connection).AsTask();

    public void Leave() => Node.Leave(Room, Connection);

    /// <summary>Waits until it has received exactly these.</summary>
    public async Task ReceivesAsync(params string[] texts)
    {
        await Bounded.Eventually(() => Received.Count >= texts.Length,
            what: $"{texts.Length} messages received, last {string.Join(',', texts.TakeLast(3))}");
        Xunit.Assert.Equal(texts, Received);
    }
}
