using System.Buffers;
using System.IO.Pipelines;
using Weir.Connections;
using Weir.Handshake;
using Weir.Protocol;

namespace Weir.Hosting;

/// <summary>
/// Closes a connection that was upgraded only to be refused with a code a page can read (<see
/// cref="UpgradeDecision.CloseAtOnce"/>). It never becomes a <see cref="WeirConnection"/>: no component is notified of it, and it
/// is in no list.
/// </summary>
internal static class RejectWithClose
{
    // Closing immediately with unread data would reset the connection, and the client might never receive the code. So its own
    // Close, which a browser sends immediately, is awaited.
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(1);

    /// <summary>Sends the close frame, with whatever was written before it, and waits for the client's or for a second.</summary>
    /// <param name="transport">Open as a WebSocket from where its output stands.</param>
    /// <param name="timer">The connection's; the caller stops it afterwards.</param>
    /// <param name="endpoint">The endpoint that was requested.</param>
    /// <param name="refusal">Why, with a close code.</param>
    public static async ValueTask SendAsync(IDuplexPipe transport, ConnectionTimer timer, WeirEndpoint endpoint, HandshakeRefusal refusal)
    {
        timer.StartClose(_timeout);
        WriteClose(transport.Output, refusal);
        FlushResult flushed = await transport.Output.FlushAsync().ConfigureAwait(false);
        MessageReader reader = new(endpoint.Reading, deflate: null);
        reader.Discard();
        bool isOver = flushed.IsCompleted;
        while (!isOver)
        {
            ReadResult result = await transport.Input.ReadAsync().ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = result.Buffer;
            isOver = reader.Next(ref buffer) == ReadEvent.Close || result.IsCompleted;
            transport.Input.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private static void WriteClose(PipeWriter output, HandshakeRefusal refusal)
    {
        Span<byte> payload = stackalloc byte[ClosePayload.MaxLength];
        int size = ClosePayload.Write(payload, refusal.CloseCode!.Value, refusal.Reason);
        Span<byte> frame = output.GetSpan(FrameHeader.MaxUnmaskedLength + size);
        int header = FrameHeader.Write(frame, Opcode.Close, size);
        payload[..size].CopyTo(frame[header..]);
        output.Advance(header + size);
    }
}
