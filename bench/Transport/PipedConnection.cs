using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Weir.Bench.Timing;
using Weir.Buffers;

namespace Weir.Bench.Transport;

/// <summary>
/// Kestrel's two pipes with its limits, over the pool that the Host uses, without a socket. Everything runs inline: the client's
/// flush runs the server up to its next wait on the same thread, so the work is measured and not the hand-over between threads.
/// </summary>
internal sealed class PipedConnection : ConnectionContext
{
    // The clock stands still, so that the pool is never trimmed in the middle of a measurement.
    private readonly BlockMemoryPool _blocks = new(blockBytes: 16 * 1024, new ManualClock());
    private readonly Pipe _toServer;
    private readonly Pipe _toClient;

    public PipedConnection()
    {
        _toServer = new Pipe(Options(pauseBytes: 1024 * 1024));
        _toClient = new Pipe(Options(pauseBytes: 64 * 1024));
        Transport = new DuplexPipe(_toServer.Reader, _toClient.Writer);
    }

    public override string ConnectionId { get; set; } = "piped";

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    public override IDuplexPipe Transport { get; set; }

    /// <summary>Sends a client's bytes and reads answers until there are as many bytes as expected.</summary>
    public void Exchange(ReadOnlySpan<byte> sent, int expectedBytes)
    {
        Send(sent);
        while (expectedBytes > 0)
        {
            ReadOnlySequence<byte> received = Receive();
            expectedBytes -= (int)received.Length;
            // Consuming the bytes continues, within this call, a server that waits for space.
            _toClient.Reader.AdvanceTo(received.End);
        }

        Wrong.Unless(expectedBytes == 0);
    }

    /// <summary>As <see cref="Exchange"/>, and returns the answer.</summary>
    public byte[] ExchangeAndKeep(ReadOnlySpan<byte> sent, int expectedBytes)
    {
        Send(sent);
        ArrayBufferWriter<byte> answer = new();
        while (answer.WrittenCount < expectedBytes)
        {
            ReadOnlySequence<byte> received = Receive();
            foreach (ReadOnlyMemory<byte> segment in received)
            {
                answer.Write(segment.Span);
            }

            _toClient.Reader.AdvanceTo(received.End);
        }

        return answer.WrittenSpan.ToArray();
    }

    /// <summary>The client's end of stream.</summary>
    public void EndClient() => _toServer.Writer.Complete();

    private void Send(ReadOnlySpan<byte> sent)
    {
        _toServer.Writer.Write(sent);
        ValueTask<FlushResult> flush = _toServer.Writer.FlushAsync();
        if (!flush.IsCompletedSuccessfully)
        {
            throw new InvalidOperationException("The server leaves more unread than a client may send.");
        }

        _ = flush.Result;
    }

    private ReadOnlySequence<byte> Receive()
    {
        bool answered = _toClient.Reader.TryRead(out ReadResult read);
        Wrong.Unless(answered && !read.IsCompleted);
        return read.Buffer;
    }

    private PipeOptions Options(int pauseBytes) => new(
        _blocks,
        PipeScheduler.Inline,
        PipeScheduler.Inline,
        pauseBytes,
        pauseBytes / 2,
        minimumSegmentSize: 4096,
        useSynchronizationContext: false);

    private sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
