using System.Text;
using Weir.Testing;

namespace Weir.Protocols.Centrifugo.Tests.Sessions;

/// <summary>The client's end of a connection: what it sends and reads is the protocol's text, its own id written as "ID".</summary>
internal sealed class TestClient(CentrifugoWorld world, InMemoryConnection transport, Task finished)
{
    private const string Head = """
        GET /connection/websocket HTTP/1.1
        Host: server.example.com
        Upgrade: websocket
        Connection: Upgrade
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
        Sec-WebSocket-Version: 13
        Sec-WebSocket-Protocol: centrifuge-json


        """;

    private readonly Queue<string> _lines = new();
    private uint _lastId = 1;

    public InMemoryConnection Transport => transport;

    /// <summary>Done when the server has released the connection.</summary>
    public Task Finished => finished;

    /// <summary>The server's writer, of a gated connection.</summary>
    public StallingPipeWriter Gate => ((GatedConnection)transport).Gate;

    public string Id => world.Node.NodeId + "-" + transport.ConnectionId;

    /// <summary>A push to a channel's subscribers.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="what">"pub", for example.</param>
    /// <param name="content">JSON.</param>
    public static string Push(string channel, string what, string content)
        => $$$"""{"push":{"channel":"{{{channel}}}","{{{what}}}":{{{content}}}}}""";

    public async Task ShakeHandsAsync()
    {
        await transport.ClientEnd.Output.WriteAsync(Encoding.ASCII.GetBytes(Head.ReplaceLineEndings("\r\n"))).Within();
        if (transport is GatedConnection)
        {
            await Bounded.Eventually(() => Gate.Sent.AsSpan().EndsWith("\r\n\r\n"u8));
            return;
        }

        StringBuilder head = new();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            head.Append((char)(await transport.ClientEnd.Input.ReadBytesAsync(1))[0]);
        }

        Xunit.Assert.Contains("Sec-WebSocket-Protocol: centrifuge-json", head.ToString(), StringComparison.Ordinal);
    }

    /// <summary>Sends commands in one frame, a line each.</summary>
    public Task SendAsync(params string[] commands) => SendFrameAsync(Frames.Text(string.Join('\n', commands)));

    public async Task SendFrameAsync(byte[] frame) => await transport.ClientEnd.Output.WriteAsync(frame).Within();

    /// <summary>Sends a command with the next number, and reads the next line.</summary>
    public async Task<string> AskAsync(string method, string request)
    {
        uint id = ++_lastId;
        await SendAsync($$$"""{"id":{{{id}}},"{{{method}}}":{{{request}}}}""");
        return (await ReadAsync()).Replace($"\"id\":{id},", "", StringComparison.Ordinal);
    }

    public async Task SubscribeAsync(string channel, string more = "")
        => Xunit.Assert.StartsWith("""{"subscribe":{""", await AskAsync("subscribe", $$"""{"channel":"{{channel}}"{{more}}}"""),
            StringComparison.Ordinal);

    /// <summary>The next line, or how the connection ends: "close CODE REASON".</summary>
    public async Task<string> ReadAsync()
    {
        if (_lines.Count == 0)
        {
            foreach (string line in (await ReadFrameAsync()).Split('\n'))
            {
                _lines.Enqueue(line);
            }
        }

        return _lines.Dequeue();
    }

    /// <summary>The next frame.</summary>
    public async Task<string> ReadFrameAsync()
    {
        if (transport is GatedConnection)
        {
            await Bounded.Eventually(() => GatedFrames().Count > 0);
            return GatedFrames()[0];
        }

        return TextOf(await transport.ClientEnd.Input.ReadFrameAsync());
    }

    /// <summary>What went through the gate behind the head.</summary>
    public IReadOnlyList<string> GatedFrames()
    {
        ReadOnlySpan<byte> sent = Gate.Sent;
        return [.. Frames.ParseAll(sent[(sent.IndexOf("\r\n\r\n"u8) + 4)..]).Select(TextOf)];
    }

    private string TextOf(ServerFrame frame) => frame.IsClose
        ? $"close {frame.CloseCode} {frame.CloseReason}"
        : frame.Text.Replace(Id, "ID", StringComparison.Ordinal);
}
