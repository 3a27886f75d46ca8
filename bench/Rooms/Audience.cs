using System.Text;
using Weir.Bench.Transport;
using Weir.Connections;
using Weir.Handshake;
using Weir.Hosting;
using Weir.Protocol.Compression;
using Weir.Rooms;

namespace Weir.Bench.Rooms;

/// <summary>Open connections over sinks, as a listener's middleware would create them.</summary>
internal sealed class Audience
{
    private static readonly DeflateParameters _noTakeover = new(
        ServerMaxWindowBits: 15, ServerNoContextTakeover: true, ClientMaxWindowBits: 15, ClientNoContextTakeover: true);

    public Audience(int members, bool deflate = false)
    {
        WeirEngine engine = new(loggers: null, meters: null, time: null);
        WeirListener listener = new(engine);
        WeirEndpoint endpoint = engine.CreateEndpoint("/room", new Silent(), options => options.Deflate.Enabled = deflate);
        UpgradeRequest request = new(Encoding.ASCII.GetBytes("GET /room HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        Sinks = new SinkConnection[members];
        Connections = new WeirConnection[members];
        for (int i = 0; i < members; i++)
        {
            SinkConnection sink = Sinks[i] = new SinkConnection();
            ConnectionTimer timer = new(listener.Wheel, sink, engine);
            Connections[i] = new WeirConnection(
                endpoint, sink, timer, request, remoteAddress: null, subprotocol: null, deflate ? _noTakeover : null);
        }
    }

    public SinkConnection[] Sinks { get; }

    public WeirConnection[] Connections { get; }

    public RoomDirectory Directory { get; } = new();

    public Room JoinAll(string name = "lobby")
    {
        Room? room = null;
        foreach (WeirConnection connection in Connections)
        {
            room = Directory.Join(name, connection);
        }

        Wrong.Unless(room is not null && room.Count == Connections.Length);
        return room!;
    }

    public void LeaveAll(string name = "lobby")
    {
        foreach (WeirConnection connection in Connections)
        {
            Directory.Leave(name, connection);
        }

        Wrong.Unless(!Directory.TryGet(name, out _));
    }

    /// <summary>Whether every member received exactly this many bytes and flushes since it was created.</summary>
    public bool EachGot(long bytes, int flushes)
        => Array.TrueForAll(Sinks, sink => sink.Sink.Bytes == bytes && sink.Sink.Flushes == flushes);

    private sealed class Silent : WeirHandler;
}
