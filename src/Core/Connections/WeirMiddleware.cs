using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Weir.Compression;
using Weir.Diagnostics;
using Weir.Handshake;
using Weir.Sending;

namespace Weir.Connections;

/// <summary>
/// The door on a listener: looks at a new connection's first request head. A WebSocket upgrade for one of the listener's
/// endpoints is answered and run here; every other request goes on to the next middleware with its bytes untouched.
/// </summary>
internal sealed class WeirMiddleware(ConnectionDelegate next, WeirListener listener)
{
    // How long a client whose head was too large may go on sending it before the transport ends: closing under its hands
    // would reset the connection and could destroy the answer on its way.
    private static readonly TimeSpan LingerTimeout = TimeSpan.FromSeconds(1);

    public async Task OnConnectionAsync(ConnectionContext transport)
    {
        if (SpeaksHttp2(transport))
        {
            await next(transport).ConfigureAwait(false);
            return;
        }

        ConnectionTimer timer = new(listener.Wheel, transport, listener.Engine);
        timer.StartHandshake(listener.HandshakeTimeout);
        WeirConnection? connection = null;
        bool isOurs = true;
        try
        {
            byte[]? head = await ReadHeadAsync(transport).ConfigureAwait(false);
            isOurs = head is not null;
            if (head is { Length: > 0 })
            {
                connection = await AnswerAsync(transport, timer, head).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (TransportErrors.IsExpected(error))
        {
            Log.TransportEnded(listener.Engine.Logger, error, transport.ConnectionId);
        }
        finally
        {
            timer.Stop();
        }

        if (connection is not null)
        {
            await connection.RunAsync().ConfigureAwait(false);
        }
        else if (!isOurs)
        {
            await next(transport).ConfigureAwait(false);
        }
    }

    private static bool SpeaksHttp2(ConnectionContext transport)
        => transport.Features.Get<ITlsApplicationProtocolFeature>() is { } tls && tls.ApplicationProtocol.Span.SequenceEqual("h2"u8);

    // The head of an upgrade that is ours; empty when it was refused; null when the connection is not ours.
    private async ValueTask<byte[]?> ReadHeadAsync(ConnectionContext transport)
    {
        PipeReader input = transport.Transport.Input;
        long scanned = 0;
        while (true)
        {
            ReadResult result = await input.ReadAsync().ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = result.Buffer;
            HeadStatus status = RequestHeadReader.Read(buffer, listener, listener.MaxHeadBytes, ref scanned, out int headLength);
            switch (status)
            {
                case HeadStatus.Complete:
                    byte[] head = buffer.Slice(0, headLength).ToArray();
                    input.AdvanceTo(buffer.GetPosition(headLength));
                    return head;

                case HeadStatus.TooLarge:
                    input.AdvanceTo(buffer.End);
                    await RefuseAsync(transport, HandshakeRefusal.HeadTooLarge).ConfigureAwait(false);
                    await LingerAsync(input).ConfigureAwait(false);
                    return [];

                case HeadStatus.Incomplete when !result.IsCompleted:
                    input.AdvanceTo(buffer.Start, buffer.End);
                    break;

                default:
                    input.AdvanceTo(buffer.Start);
                    return null;
            }
        }
    }

    private async ValueTask<WeirConnection?> AnswerAsync(ConnectionContext transport, ConnectionTimer timer, byte[] head)
    {
        UpgradeRequest request = new(head);
        WeirEndpoint endpoint = listener.Find(request.Path)!;
        HandshakeVerdict verdict = HandshakeRules.Judge(request);
        HandshakeRefusal? refusal = verdict.Refusal
            ?? await Admission.JudgeAsync(endpoint, request, transport.ConnectionId).ConfigureAwait(false);
        if (refusal is not null)
        {
            await RefuseAsync(transport, refusal).ConfigureAwait(false);
            return null;
        }

        Agreement agreement = Agreement.Reach(endpoint, request);
        HandshakeResponse.WriteAccepted(transport.Transport.Output, verdict.Key, agreement.Subprotocol, agreement.Extensions);
        await transport.Transport.Output.FlushAsync().ConfigureAwait(false);
        return new WeirConnection(endpoint, transport, timer, request, agreement.Subprotocol, agreement.Deflate);
    }

    private async ValueTask RefuseAsync(ConnectionContext transport, HandshakeRefusal refusal)
    {
        Log.HandshakeRefused(listener.Engine.Logger, transport.ConnectionId, refusal.StatusCode, refusal.Reason);
        listener.Engine.Metrics.Refused(refusal.StatusCode);
        HandshakeResponse.WriteRefused(transport.Transport.Output, refusal);
        await transport.Transport.Output.FlushAsync().ConfigureAwait(false);
    }

    private async ValueTask LingerAsync(PipeReader input)
    {
        using CancellationTokenSource timeout = new(LingerTimeout, listener.Engine.Time);
        try
        {
            ReadResult result;
            do
            {
                result = await input.ReadAsync(timeout.Token).ConfigureAwait(false);
                input.AdvanceTo(result.Buffer.End);
            }
            while (!result.IsCompleted);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            // It is still sending: it had its time to read the answer.
        }
    }
}
