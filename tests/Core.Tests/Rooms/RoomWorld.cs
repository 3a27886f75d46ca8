using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Weir.Connections;
using Weir.Core.Tests.Handshake;
using Weir.Core.Tests.Sending;
using Weir.Hosting;
using Weir.Protocol;
using Weir.Rooms;
using Weir.Sending;
using Weir.Testing;

namespace Weir.Core.Tests.Rooms;

/// <summary>A directory and what its members need to exist: an endpoint, and a transport that is only a writer.</summary>
internal sealed class RoomWorld : IDisposable
{
    private static readonly PipeReader _nothing = PipeReader.Create(ReadOnlySequence<byte>.Empty);

    private readonly WeirListener _listener;
    private readonly WeirEndpoint _endpoint;

    public RoomWorld(MetricProbe? metrics = null, ArrayPool<byte>? arrays = null)
    {
        SharedFramesPool runs = new(arrays ?? Arrays);
        _listener = new WeirListener(new WeirEngine(loggers: null, metrics, time: null));
        _endpoint = new WeirEndpoint("/ws", new SilentHandler(), new WeirOptions().ToSettings(), _listener.Engine, runs, arrays ?? Arrays);
        Rooms = new RoomDirectory(runs);
    }

    public DiagnosticArrayPool Arrays { get; } = new();

    public RoomDirectory Rooms { get; }

    public WeirConnection NewConnection(PipeWriter output)
    {
        DefaultConnectionContext transport = new("test", new DuplexPipe(_nothing, output), application: null!);
        ConnectionTimer timer = new(_listener.Wheel, transport, _listener.Engine);
        return new WeirConnection(_endpoint, transport, timer, TestHead.Request(TestHead.Valid), remoteAddress: null, subprotocol: null,
            deflate: null);
    }

    public WeirConnection NewConnection() => NewConnection(new ScriptedWriter());

    /// <summary>A member of <paramref name="room"/>, and its output.</summary>
    public (WeirConnection Connection, StallingPipeWriter Output) NewMember(string room)
    {
        StallingPipeWriter output = new();
        WeirConnection connection = NewConnection(output);
        Rooms.Join(room, connection);
        return (connection, output);
    }

    public void Publish(string room, string text, WeirConnection? except = null)
        => Rooms.Publish(room, new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text)), MessageKind.Text, except);

    /// <summary>The sender of a pass that sends no message of its own.</summary>
    public SendScope EnterScope()
        => SendScope.Enter(new ConnectionSender(new ScriptedWriter(), _endpoint.Sending, new RecordingOwner(), deflate: null));

    public void Dispose() => Arrays.Dispose();

    private sealed class SilentHandler : WeirHandler;
}

internal static class ReceivedMessages
{
    public static IEnumerable<string> Texts(this StallingPipeWriter output) => Frames.ParseAll(output.Sent).Select(frame => frame.Text);
}
