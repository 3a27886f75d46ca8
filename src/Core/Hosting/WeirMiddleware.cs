using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Weir.Connections;
using Weir.Diagnostics;
using Weir.Handshake;
using Weir.Limits;
using Weir.Sending;
using Weir.Timing;
using Weir.Transports;

namespace Weir.Hosting;

/// <summary>
/// Reads a new connection's first request header block. A WebSocket upgrade for one of the listener's endpoints is answered and run
/// here; every other request passes to the next middleware with its bytes untouched.
/// </summary>
internal sealed class WeirMiddleware(ConnectionDelegate next, WeirListener listener)
{
    // How long a client whose request header block was too large may keep sending it before the transport ends: closing earlier
    // would reset the connection and could destroy the answer in flight.
    private static readonly TimeSpan _lingerTimeout = TimeSpan.FromSeconds(1);

    // The age up to which a connection of a closing server may still send its first request: it may be in flight, and a client on a
    // busy machine may not have written it yet.
    private static readonly TimeSpan _lastRequestTimeout = TimeSpan.FromSeconds(3);

    private RunningTimeouts Lingers { get; } = new(_lingerTimeout, listener.Engine.Time);

    public async Task OnConnectionAsync(ConnectionContext transport)
    {
        // What runs here and in a handler does not block; what HTTP runs may.
        ILoopThreadFeature? thread = transport.Features.Get<ILoopThreadFeature>();
        if (thread is not null)
        {
            thread.RunInline = true;
        }

        ConnectionTimer timer = new(listener.Wheel, transport, listener.Engine);
        timer.StartHandshake(listener.HandshakeTimeout);
        listener.Engine.Metrics.States.HandshakeBegan();
        long began = listener.Wheel.CurrentTick; // which does not count pauses of the process
        WeirConnection? connection = null;
        bool isOurs = true;
        try
        {
            CancellationToken shutdown =
                transport.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
            (isOurs, UpgradeRequest? request) = await ReadHeadAsync(transport, shutdown).ConfigureAwait(false)
                ?? await ReadLastHeadAsync(transport, began).ConfigureAwait(false);
            if (request is not null)
            {
                connection = await AnswerAsync(transport, timer, request).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (TransportErrors.IsExpected(error))
        {
            WeirLog.TransportEnded(listener.Engine.Logger, error, transport.ConnectionId);
        }
        finally
        {
            timer.Stop();
            listener.Engine.Metrics.States.HandshakeEnded();
        }

        if (connection is not null)
        {
            if (thread is not null && listener.Engine.DrainsItself
                && transport.Transport.Input is LoopReader input && thread.TryDetach())
            {
                _ = connection.RunDetachedAsync(input); // ends itself, and throws nothing
                return;
            }

            await connection.RunAsync().ConfigureAwait(false);
        }
        else if (!isOurs)
        {
            if (thread is not null)
            {
                thread.RunInline = false;

                // The request header block may have been read on the loop's thread, and what HTTP runs may block.
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            }

            using FirstRequest first = new(transport, listener.Engine.Time, () => LeftForRequest(began));
            await next(transport).ConfigureAwait(false);
        }
    }

    // The server is closing, and must not wait long for a request that may never arrive. A connection without one ends without a response:
    // a client that begins to send at this moment would take a 503 for the response to its own request, and a browser's EventSource stops
    // permanently at any status except 200, while it reconnects after a connection that has ended.
    private async ValueTask<(bool IsOurs, UpgradeRequest? Request)> ReadLastHeadAsync(ConnectionContext transport, long began)
    {
        TimeSpan left = LeftForRequest(began);
        if (left > TimeSpan.Zero)
        {
            using RunningTimeout timeout = new(left, listener.Engine.Time);
            if (await ReadHeadAsync(transport, timeout.Token).ConfigureAwait(false) is { } read)
            {
                return read;
            }
        }

        WeirLog.EndedBeforeRequest(listener.Engine.Logger, transport.ConnectionId);

        // On a connection that has agreed on HTTP/2 the server closes in its own way, with GOAWAY.
        return (!IsHttp2(transport), null);
    }

    private TimeSpan LeftForRequest(long began)
        => _lastRequestTimeout - ((listener.Wheel.CurrentTick - began) * listener.Wheel.Tick);

    private static bool IsHttp2(ConnectionContext transport)
        => transport.Features.Get<ITlsApplicationProtocolFeature>()?.ApplicationProtocol.Span.SequenceEqual("h2"u8) == true;

    // Null if canceled before the request header block was complete. The request is null if the connection is not ours, or is and was
    // refused for its size.
    private async ValueTask<(bool IsOurs, UpgradeRequest? Request)?> ReadHeadAsync(
        ConnectionContext transport, CancellationToken cancellation)
    {
        PipeReader input = transport.Transport.Input;
        long scanned = 0;
        CancellationTokenRegistration wake = cancellation.UnsafeRegister(static reader => ((PipeReader)reader!).CancelPendingRead(), input);
        await using ConfiguredAsyncDisposable _ = wake.ConfigureAwait(false);
        while (true)
        {
            ReadResult result = await input.ReadAsync(CancellationToken.None).ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = result.Buffer;
            HeadStatus status = RequestHeadReader.Read(buffer, listener, listener.MaxHeadBytes, ref scanned, out int headLength);
            switch (status)
            {
                case HeadStatus.Complete:
                    UpgradeRequest request = UpgradeRequest.FromHead(buffer.Slice(0, headLength));
                    input.AdvanceTo(buffer.GetPosition(headLength));
                    return (true, request);

                case HeadStatus.TooLarge:
                    input.AdvanceTo(buffer.End);
                    await RefuseAsync(transport, HandshakeRefusal.HeadTooLarge).ConfigureAwait(false);
                    await LingerAsync(input).ConfigureAwait(false);
                    return (true, null);

                case HeadStatus.Incomplete when result.IsCanceled:
                    input.AdvanceTo(buffer.Start);
                    return null;

                case HeadStatus.Incomplete when !result.IsCompleted:
                    input.AdvanceTo(buffer.Start, buffer.End);
                    break;

                default:
                    input.AdvanceTo(buffer.Start);
                    return (false, null);
            }
        }
    }

    private async ValueTask<WeirConnection?> AnswerAsync(ConnectionContext transport, ConnectionTimer timer, UpgradeRequest request)
    {
        WeirEndpoint endpoint = listener.Find(request);
        HandshakeResult handshake = HandshakeRules.Validate(request);
        IPAddress? address = ClientAddress.Of(
            (transport.RemoteEndPoint as IPEndPoint)?.Address, request, listener.Engine.Settings.Proxies);
        AdmissionResult admission = handshake.Refusal is { } broken
            ? new AdmissionResult(broken)
            : await Admission.EvaluateAsync(endpoint, request, address, transport.ConnectionId).ConfigureAwait(false);
        if (admission.Refusal is { } refusal)
        {
            if (refusal.CloseCode is null)
            {
                await RefuseAsync(transport, refusal).ConfigureAwait(false);
                if (HasMoreToSend(transport.Transport.Input))
                {
                    await LingerAsync(transport.Transport.Input).ConfigureAwait(false);
                }
            }
            else
            {
                Note(transport, refusal);
                NegotiatedParameters rejection = NegotiatedParameters.ReachForRefusal(endpoint, handshake);
                HandshakeResponse.WriteAccepted(transport.Transport.Output, handshake.Key, rejection.Subprotocol, rejection.Extensions);
                await RejectWithClose.SendAsync(transport.Transport, timer, endpoint, refusal).ConfigureAwait(false);
            }

            return null;
        }

        NegotiatedParameters negotiated = NegotiatedParameters.Reach(endpoint, handshake);
        WeirConnection connection = new(endpoint, transport, timer, request, address, negotiated.Subprotocol, negotiated.Deflate)
        {
            State = admission.State,
        };
        try
        {
            HandshakeResponse.WriteAccepted(transport.Transport.Output, handshake.Key, negotiated.Subprotocol, negotiated.Extensions);
            FlushResult flushed = await transport.Transport.Output.FlushAsync().ConfigureAwait(false);
            if (!flushed.IsCompleted)
            {
                return connection;
            }

            // The client went, or its time was up, while the handler evaluated: there is no client to open for.
            WeirLog.TransportEnded(listener.Engine.Logger, error: null, transport.ConnectionId);
        }
        catch (Exception error) when (TransportErrors.IsExpected(error))
        {
            WeirLog.TransportEnded(listener.Engine.Logger, error, transport.ConnectionId);
        }

        listener.Engine.Gate.Leave(address);
        return null;
    }

    private async ValueTask RefuseAsync(ConnectionContext transport, HandshakeRefusal refusal)
    {
        Note(transport, refusal);
        HandshakeResponse.WriteRefused(transport.Transport.Output, refusal);
        await transport.Transport.Output.FlushAsync().ConfigureAwait(false);
    }

    private void Note(ConnectionContext transport, HandshakeRefusal refusal)
    {
        WeirLog.HandshakeRefused(listener.Engine.Logger, transport.ConnectionId, refusal.StatusCode, refusal.Reason);
        listener.Engine.Metrics.Refused(refusal.StatusCode, refusal.Name);
    }

    // Frames behind a refused request header block: more may be in flight.
    private static bool HasMoreToSend(PipeReader input)
    {
        if (!input.TryRead(out ReadResult result))
        {
            return false;
        }

        bool isSending = !result.Buffer.IsEmpty && !result.IsCompleted;
        input.AdvanceTo(result.Buffer.End);
        return isSending;
    }

    // Takes what still comes: bytes that arrive at a closed socket turn its end into a reset, which may overtake the answer.
    private async ValueTask LingerAsync(PipeReader input)
    {
        using RunningTimeout timeout = new(Lingers);
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
        catch (OperationCanceledException) when (timeout.HasElapsed)
        {
            // It is still sending: it had its time to read the answer.
        }
    }
}
