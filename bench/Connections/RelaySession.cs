using System.Buffers;
using System.IO.Pipelines;
using Weir.Bench.Transport;

namespace Weir.Bench.Connections;

/// <summary>The same pipes with only a copy between them: the cost of an echo without a protocol.</summary>
internal sealed class RelaySession : IDisposable
{
    private readonly PipedConnection _transport = new();
    private readonly Task _server;
    private readonly byte[] _batch;

    public RelaySession(byte[] payload, int messages)
    {
        _batch = [.. Enumerable.Repeat(payload, messages).SelectMany(static each => each)];
        _server = RelayAsync(_transport.Transport);
        Wrong.Unless(_transport.ExchangeAndKeep(_batch, _batch.Length).AsSpan().SequenceEqual(_batch));
    }

    public void Exchange() => _transport.Exchange(_batch, _batch.Length);

    public void Dispose()
    {
        _transport.EndClient();
        Wrong.Unless(_server.IsCompletedSuccessfully);
    }

    private static async Task RelayAsync(IDuplexPipe server)
    {
        ReadResult read;
        do
        {
            read = await server.Input.ReadAsync().ConfigureAwait(false);
            foreach (ReadOnlyMemory<byte> segment in read.Buffer)
            {
                server.Output.Write(segment.Span);
            }

            await server.Output.FlushAsync().ConfigureAwait(false);
            server.Input.AdvanceTo(read.Buffer.End);
        }
        while (!read.IsCompleted);
    }
}
