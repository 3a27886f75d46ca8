using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Weir.Client.Events;
using Weir.Client.Transport;
using Weir.Connections;
using Weir.Protocol;
using Weir.Protocols.Centrifugo.Sessions;
using Weir.Simulation.Scheduling;

namespace Weir.Simulation.Clients;

/// <summary>The network of one .NET client: it reaches the node that it is given, or none.</summary>
/// <param name="world">Where it is.</param>
/// <param name="onConnected">Called with each connection.</param>
internal sealed class SimulatedTransport(SimulationWorld world, Action<SimulatedConnection> onConnected) : IClientTransport
{
    /// <summary>The node that can be reached; <c>null</c> if none.</summary>
    public NodeModel? Node { get; set; }

    public async ValueTask<ConnectAttempt> ConnectAsync(ConnectRequest request, CancellationToken cancel)
    {
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Scheduler.After(world.Scheduler.Between(0.5, 20), arrived.SetResult);
        await arrived.Task;
        if (cancel.IsCancellationRequested || Node is not { } node)
        {
            return new ConnectAttempt(null, new ConnectionEnd(EndKind.Unreachable));
        }

        SimulatedConnection connection = new(world, node);
        onConnected(connection);
        return new ConnectAttempt(connection, null);
    }
}

/// <summary>
/// A WebSocket between a .NET client and a session of Centrifugo's protocol on a node. Each direction takes its time and keeps its order;
/// if it breaks, both ends notice it later, the node up to some seconds later.
/// </summary>
internal sealed class SimulatedConnection : IClientConnection
{
    private readonly Queue<Received> _arrived = new();
    private readonly Queue<byte[]> _frames = new();
    private readonly SimulationWorld _world;
    private readonly ClientPipe _pipe;
    private readonly SocketSession _session;
    private TaskCompletionSource? _somethingArrived;
    private byte[] _received = [];
    private DateTimeOffset _lastFrame;
    private bool _isHandling;
    private bool _isBroken;
    private bool _isClosed; // at the node

    public SimulatedConnection(SimulationWorld world, NodeModel node)
    {
        _world = world;
        Node = node;
        _pipe = new ClientPipe(world.Scheduler, Arrive);
        WeirConnection connection = node.NewConnection(_pipe);
        _session = new SocketSession(node.Hub, connection, pingInterval: TimeSpan.Zero, limit: null);
    }

    public NodeModel Node { get; }

    public TimeSpan IdleFor => TimeSpan.Zero;

    /// <summary>It breaks, and data in flight is lost.</summary>
    public void Break()
    {
        if (_isBroken)
        {
            return;
        }

        _isBroken = true;
        _pipe.Break();
        _world.Scheduler.After(_world.Scheduler.Between(0, 60), () => End(new ConnectionEnd(EndKind.ConnectionLost)));
        _world.Scheduler.After(_world.Scheduler.Between(0, _world.Scheduler.Random.Next(3) == 0 ? 3000 : 60), CloseSession);
    }

    public async ValueTask<Received> ReceiveAsync(CancellationToken cancel)
    {
        using CancellationTokenRegistration registration = cancel.UnsafeRegister(
            static connection => ((SimulatedConnection)connection!).End(new ConnectionEnd(EndKind.ConnectionLost)), this);
        while (true)
        {
            if (_arrived.TryDequeue(out Received received))
            {
                return received;
            }

            _somethingArrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await _somethingArrived.Task;
        }
    }

    public ValueTask<bool> SendAsync(ReadOnlyMemory<byte> payload, bool isText, CancellationToken cancel)
    {
        if (_isBroken)
        {
            return new(false);
        }

        byte[] frame = payload.ToArray();
        ToNode(() =>
        {
            _frames.Enqueue(frame);
            Handle();
        });
        return new(true);
    }

    public ValueTask CloseAsync(int code, string reason, CancellationToken cancel)
    {
        ToNode(CloseSession);
        return default;
    }

    public ValueTask DisposeAsync()
    {
        Break();
        return default;
    }

    private void ToNode(Action action)
    {
        SimulationScheduler scheduler = _world.Scheduler;
        DateTimeOffset at = scheduler.Clock.GetUtcNow() + scheduler.Between(0.1, scheduler.Random.Next(8) == 0 ? 60 : 2);
        _lastFrame = at > _lastFrame ? at : _lastFrame;
        scheduler.After(_lastFrame - scheduler.Clock.GetUtcNow(), () =>
        {
            if (!_isBroken)
            {
                action();
            }
        });
    }

    // One frame at a time, as a connection does.
    private async void Handle()
    {
        if (_isHandling)
        {
            return;
        }

        _isHandling = true;
        while (!_isClosed && _frames.TryDequeue(out byte[]? frame))
        {
            await _session.TakeAsync(new WeirMessage(new ReadOnlySequence<byte>(frame), MessageKind.Text));
        }

        _isHandling = false;
    }

    private void CloseSession()
    {
        if (!_isClosed)
        {
            _isClosed = true;
            _session.OnClosed();
        }
    }

    private void End(ConnectionEnd end) => Enqueue(new Received(default, false, end));

    private void Enqueue(Received received)
    {
        _arrived.Enqueue(received);
        TaskCompletionSource? waiting = _somethingArrived;
        _somethingArrived = null;
        waiting?.SetResult();
    }

    // Frames of a server, RFC 6455 section 5.2.
    private void Arrive(ReadOnlyMemory<byte> bytes)
    {
        _received = [.. _received, .. bytes.Span];
        while (TryTakeFrame(out int opcode, out byte[] payload))
        {
            if (opcode == 1)
            {
                Enqueue(new Received(payload, IsText: true, null));
            }
            else if (opcode == 8)
            {
                int code = BinaryPrimitives.ReadUInt16BigEndian(payload);
                _isBroken = true;
                _pipe.Break();
                End(new ConnectionEnd(EndKind.ClosedByServer) { CloseCode = code, Reason = Encoding.UTF8.GetString(payload.AsSpan(2)) });
                CloseSession();
                return;
            }
        }
    }

    private bool TryTakeFrame(out int opcode, out byte[] payload)
    {
        opcode = 0;
        payload = [];
        if (_received.Length < 2)
        {
            return false;
        }

        int header = _received[1] switch { 126 => 4, 127 => 10, _ => 2 };
        if (_received.Length < header)
        {
            return false;
        }

        long length = header switch
        {
            4 => BinaryPrimitives.ReadUInt16BigEndian(_received.AsSpan(2)),
            10 => BinaryPrimitives.ReadInt64BigEndian(_received.AsSpan(2)),
            _ => _received[1],
        };
        if (_received.Length < header + length)
        {
            return false;
        }

        opcode = _received[0] & 0xF;
        payload = _received[header..(int)(header + length)];
        _received = _received[(int)(header + length)..];
        return true;
    }
}
