using System.IO.Pipelines;
using System.Text;
using Weir.Connections;
using Weir.Core.Tests.Handshake;
using Weir.Hosting;
using Weir.Sending;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Core.Tests.Connections;

public sealed class WeirConnectionAllocationTests
{
    private const int Messages = 20_000;

    // All pipes run inline, so that a client's write runs the transport, the receive loop, the handler, the sender and the
    // transport again on this one thread: the count is exact. The pools are the shared ones, as in production.
    [Theory]
    [InlineData(1, 64)]
    [InlineData(10, 64)]
    [InlineData(1, 5_000)]
    public async Task Echo_WholePath_AllocatesNothing(int perPass, int size)
    {
        WeirListener listener = new(new WeirEngine(loggers: null, meters: null, time: null));
        listener.Add(new WeirEndpoint("/ws", new EchoHandler(), new WeirOptions().ToSettings(), listener.Engine, SharedFramesPool.Shared));
        InMemoryConnection transport = new();
        Task running = new WeirMiddleware(static _ => throw new NotSupportedException(), listener).OnConnectionAsync(transport);
        Exchange(transport, Encoding.Latin1.GetBytes(TestHead.Valid));
        byte[] frames = [.. Enumerable.Repeat(Frames.Binary(new byte[size]), perPass).SelectMany(frame => frame)];
        int answerLength = (size + (size < 126 ? 2 : 4)) * perPass;
        Run();
        long received = 0;

        Assert.Equal(0, Allocations.LeastOf(() => received = Run()));

        Assert.Equal((long)answerLength * (Messages / perPass), received);
        transport.Abort();
        await running.Within();

        long Run()
        {
            long bytes = 0;
            for (int i = 0; i < Messages; i += perPass)
            {
                bytes += Exchange(transport, frames);
            }

            return bytes;
        }
    }

    // The client's messages and the answers, all on this thread.
    private static long Exchange(InMemoryConnection transport, byte[] bytes)
    {
        ValueTask<FlushResult> flush = transport.ClientEnd.Output.WriteAsync(bytes);
        if (!flush.IsCompletedSuccessfully || !transport.ClientEnd.Input.TryRead(out ReadResult answer))
        {
            throw new InvalidOperationException("The answer is not there, so not all ran on this thread.");
        }

        _ = flush.GetAwaiter().GetResult();
        long length = answer.Buffer.Length;
        transport.ClientEnd.Input.AdvanceTo(answer.Buffer.End);
        return length;
    }

    private sealed class EchoHandler : WeirHandler
    {
        public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
        {
            connection.Send(message.Payload, message.Kind);
            return default;
        }
    }
}
