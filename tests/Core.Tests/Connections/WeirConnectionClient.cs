using System.Text;
using Weir.Testing;

namespace Weir.Core.Tests.Connections;

/// <summary>The client's end of one connection of a <see cref="WeirConnectionHarness"/>.</summary>
internal sealed class WeirConnectionClient(InMemoryConnection transport, Task finished)
{
    private readonly StringBuilder _head = new();

    public InMemoryConnection Transport => transport;

    /// <summary>The server's writer, of a gated connection.</summary>
    public StallingPipeWriter Gate => ((GatedConnection)transport).Gate;

    /// <summary>Done when the middleware has returned and the connection is disposed; fails with what it threw.</summary>
    public Task Finished => finished;

    public async Task SendAsync(params byte[][] frames)
        => await transport.ClientEnd.Output.WriteAsync(frames.SelectMany(frame => frame).ToArray()).Within();

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>Sends byte after byte, each in a flush of its own.</summary>
    public async Task SendByteByByteAsync(byte[] bytes)
    {
        foreach (byte each in bytes)
        {
            await SendAsync([each]);
        }
    }

    /// <summary>The client's FIN.</summary>
    public void EndOutput() => transport.ClientEnd.Output.Complete();

    /// <summary>The head of the server's response.</summary>
    public async Task<string> ReadHeadAsync()
    {
        if (transport is GatedConnection gated)
        {
            await Bounded.Eventually(() => gated.Gate.Sent.AsSpan().EndsWith("\r\n\r\n"u8));
            return Encoding.Latin1.GetString(gated.Gate.Sent);
        }

        while (!_head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            _head.Append((char)(await transport.ClientEnd.Input.ReadBytesAsync(1))[0]);
        }

        return _head.ToString();
    }

    public Task<ServerFrame> ReadFrameAsync() => transport.ClientEnd.Input.ReadFrameAsync();

    /// <summary>Everything up to the end of the stream.</summary>
    public async Task<string> ReadToEndAsync() => Encoding.Latin1.GetString(await transport.ClientEnd.Input.ReadToEndAsync());

    /// <summary>All frames up to the end of the stream.</summary>
    public async Task<IReadOnlyList<ServerFrame>> ReadFramesToEndAsync()
        => Frames.ParseAll(await transport.ClientEnd.Input.ReadToEndAsync());

    /// <summary>The frames that went through the gate behind the head of the response.</summary>
    public IReadOnlyList<ServerFrame> GatedFrames()
    {
        ReadOnlySpan<byte> sent = Gate.Sent;
        return Frames.ParseAll(sent[(sent.IndexOf("\r\n\r\n"u8) + 4)..]);
    }
}
