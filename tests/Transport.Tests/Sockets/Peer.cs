using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Weir.Testing;
using Xunit;

namespace Weir.Transports.Epoll.Tests.Sockets;

/// <summary>The two ends of one connection: the client's plain socket and what the server makes of it. All waits are bounded.</summary>
internal sealed class Peer(Socket client, EpollConnection server)
{
    public Socket Client { get; } = client;

    public EpollConnection Server { get; } = server;

    public PipeReader Input { get; } = server.Transport.Input;

    public PipeWriter Output { get; } = server.Transport.Output;

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await Client.SendAsync(bytes).Within()..];
        }
    }

    /// <summary>The client's next bytes, as many as requested.</summary>
    public async Task<byte[]> ReceiveAsync(int count)
    {
        byte[] bytes = new byte[count];
        for (int received = 0; received < count;)
        {
            int some = await Client.ReceiveAsync(bytes.AsMemory(received)).Within();
            Assert.NotEqual(0, some);
            received += some;
        }

        return bytes;
    }

    /// <summary>The client reads on until the server's end, and compares what comes with the pattern; returns how much it was.</summary>
    public async Task<long> ReceivePatternAsync(long count)
    {
        byte[] bytes = new byte[256 * 1024];
        long received = 0;
        while (received < count)
        {
            int some = await Client.ReceiveAsync(bytes).Within();
            if (some == 0)
            {
                break;
            }

            Pattern.AssertIs(bytes.AsSpan(0, some), received);
            received += some;
        }

        return received;
    }

    /// <summary>Whether only the server's end arrives.</summary>
    public async Task<bool> ReceivesEndAsync() => await Client.ReceiveAsync(new byte[1]).Within() == 0;

    /// <summary>Ends the client's side so that the server sees a reset.</summary>
    public void ResetByClient()
    {
        Client.LingerState = new LingerOption(true, 0);
        Client.Dispose();
    }

    /// <summary>The server reads until that much has arrived, and leaves it; the result is to be advanced.</summary>
    public async Task<ReadResult> ReadAsync(int count)
    {
        while (true)
        {
            ReadResult result = await Input.ReadAsync().Within();
            if (result.Buffer.Length >= count || result.IsCompleted)
            {
                return result;
            }

            Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    /// <summary>The server reads that much and consumes it.</summary>
    public async Task<byte[]> TakeAsync(int count)
    {
        ReadResult result = await ReadAsync(count);
        byte[] bytes = result.Buffer.Slice(0, count).ToArray();
        Input.AdvanceTo(result.Buffer.GetPosition(count));
        return bytes;
    }

    /// <summary>The server writes the pattern until the kernel takes no more; returns how much, and the flush that waits.</summary>
    public (Task<FlushResult> Flush, long Written) Fill(CancellationToken cancellationToken = default)
    {
        const int Piece = 64 * 1024;
        const long Limit = 256L * 1024 * 1024;
        for (long written = 0; written < Limit;)
        {
            Pattern.Fill(Output.GetSpan(Piece)[..Piece], written);
            Output.Advance(Piece);
            written += Piece;
            ValueTask<FlushResult> flush = Output.FlushAsync(cancellationToken);
            if (!flush.IsCompleted)
            {
                return (flush.AsTask(), written);
            }

            Assert.False(flush.Result.IsCompleted);
        }

        throw new InvalidOperationException("The kernel takes bytes without end.");
    }
}
