using System.Buffers;
using BenchmarkDotNet.Attributes;
using Weir.Connections;
using Weir.Protocol;
using Weir.Relay;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Relay.Rooms;
using Weir.Rooms;

namespace Weir.Bench.Rooms;

/// <summary>
/// 100 bytes to a room of 1,000: published to the engine's room, through a single node, and as an announcement from another
/// node. Time and bytes are those of one delivery to one member.
/// </summary>
[MemoryDiagnoser]
public class RelayPublishBenchmarks
{
    private const int Members = 1_000;
    private const int Batch = 16;

    private readonly ReadOnlySequence<byte> _payload = new(Payloads.Json(100, seed: 1));
    private Publication _publication = null!;
    private Audience _audience = null!;
    private Room _room = null!;
    private RelayNode _node = null!;
    private LocalRoom _local = null!;
    private long _expected;

    [GlobalSetup]
    public void Setup()
    {
        _audience = new Audience(Members);
        _node = new RelayNode(new MemoryBroker(), _audience.Directory);
        _node.StartAsync().GetAwaiter().GetResult();
        foreach (WeirConnection connection in _audience.Connections)
        {
            _local = _node.JoinAsync("lobby", connection).AsTask().Result!;
        }

        Wrong.Unless(_audience.Directory.TryGet("lobby", out Room? room));
        _room = room!;
        _publication = new Publication { Data = _payload.ToArray(), Node = "another", NodeSequence = 1 };
        _expected = _audience.Directory.Deliveries;
        Direct();
        Alone();
        Wrong.Unless(_audience.Directory.Deliveries == 2 * (Members - 1));
        Announced();
        AnnouncedSixteen();
        Wrong.Unless(_audience.Directory.Deliveries == (2 * (Members - 1)) + ((1 + Batch) * Members));
    }

    [GlobalCleanup]
    public void Cleanup() => _node.DisposeAsync().AsTask().Wait();

    [Benchmark(Baseline = true, OperationsPerInvoke = Members)]
    public void Direct() => _room.Publish(_payload, MessageKind.Text, _audience.Connections[0]);

    /// <summary>The cost of a member's message on a single node, in a room without history.</summary>
    [Benchmark(OperationsPerInvoke = Members)]
    public void Alone()
    {
        if (!_node.PublishAsync(_local, _payload, MessageKind.Text, _audience.Connections[0]).AsTask().IsCompletedSuccessfully)
        {
            throw new InvalidOperationException("A plain room never makes its publisher wait.");
        }
    }

    /// <summary>From the broker's thread to the room event loop's and to the members, until the last has received it.</summary>
    [Benchmark(OperationsPerInvoke = Members)]
    public void Announced() => Announce(1);

    /// <summary>Sixteen that arrive together.</summary>
    [Benchmark(OperationsPerInvoke = Members * Batch)]
    public void AnnouncedSixteen() => Announce(Batch);

    private void Announce(int count)
    {
        _expected = _audience.Directory.Deliveries + ((long)count * Members);
        for (int i = 0; i < count; i++)
        {
            ((IBrokerSink)_node).OnPublication("lobby", _publication, "");
        }

        SpinWait wait = default;
        while (_audience.Directory.Deliveries < _expected)
        {
            wait.SpinOnce(sleep1Threshold: -1);
        }
    }
}
