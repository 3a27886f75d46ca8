using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Weir.Connections;
using Weir.Handshake;
using Weir.Protocol;
using Weir.Relay.Nodes;
using Weir.Relay.Rooms;
using Weir.Testing;
using Xunit;

namespace Weir.Protocols.Centrifugo.Tests.Sessions;

/// <summary>A connection that is in a room as a raw one is.</summary>
internal sealed class RawMember(RelayNode node, LocalRoom room, WeirConnection connection, StallingPipeWriter output)
{
    public static async Task<RawMember> JoinAsync(CentrifugoWorld world, string room)
    {
        StallingPipeWriter output = new();
        DefaultConnectionContext transport = new(
            "raw", new DuplexPipe(PipeReader.Create(ReadOnlySequence<byte>.Empty), output), application: null!);
        WeirEngine engine = world.Listener.Engine;
        WeirConnection connection = new(
            new WeirEndpoint("/ws", new SilentHandler(), new WeirOptions().ToSettings(), engine),
            transport,
            new ConnectionTimer(world.Listener.Wheel, transport, engine),
            UpgradeRequest.FromHttp("GET", "/ws", []),
            remoteAddress: null,
            subprotocol: null,
            deflate: null);
        return new RawMember(world.Node, (await world.Node.JoinAsync(room, connection).Within())!, connection, output);
    }

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text), MessageKind.Text);

    public Task SendAsync(byte[] bytes) => SendAsync(bytes, MessageKind.Binary);

    public async Task ReceivesAsync(params string[] texts)
    {
        await Bounded.Eventually(() => Received().Count >= texts.Length);
        Assert.Equal(texts, Received());
    }

    private List<string> Received() => [.. Frames.ParseAll(output.Sent).Select(static frame => frame.Text)];

    private Task SendAsync(byte[] bytes, MessageKind kind)
        => node.PublishAsync(room, new ReadOnlySequence<byte>(bytes), kind, connection).AsTask().Within();

    private sealed class SilentHandler : WeirHandler;
}
