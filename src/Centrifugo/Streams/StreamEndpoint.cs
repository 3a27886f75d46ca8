using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Weir.Centrifugo.Diagnostics;
using Weir.Centrifugo.Protocol;
using Weir.Centrifugo.Sessions;
using Weir.Handshake;
using Weir.Http;
using Weir.Limits;
using Weir.Relay.Http;
using Weir.Relay.Sse;

namespace Weir.Centrifugo.Streams;

/// <summary>
/// A path where clients that have no WebSocket listen: Server-Sent Events, the connect in the query; or lines, the connect in
/// the body. What they say comes to <see cref="EmulationEndpoint"/>.
/// </summary>
internal sealed class StreamEndpoint(
    CentrifugoHub hub, StreamForm form, StreamDoor door, SseSettings settings, TimeSpan pingInterval, int maxMessageBytes, InboundLimit? limit)
{
    // Clients of this protocol come back from both codes, with their own back-off.
    private static readonly byte[] _shutdown = StreamForms.Farewell(StreamForm.Events, Goodbye.Shutdown);
    private static readonly byte[] _tooMany = StreamForms.Farewell(StreamForm.Events, Goodbye.TooManyRequests);

    public Task InvokeAsync(HttpContext http) => form == StreamForm.Events
        ? door.InvokeAsync(http, HttpMethods.Get, EnterAsync, _ => hub.Engine.Gate.IsDraining ? _shutdown : _tooMany)
        : door.InvokeAsync(http, HttpMethods.Post, EnterAsync, lastEvent: null); // read by fetch, for which a status is as good

    private Task<HandshakeRefusal?> EnterAsync(HttpContext http) => door.EnterAsync(http, ServeUnlessRefusedAsync);

    private async Task<HandshakeRefusal?> ServeUnlessRefusedAsync(HttpContext http)
    {
        UpgradeRequest request = http.Features.GetRequiredFeature<UpgradeRequest>();
        hub.Relay.Metrics.StreamOpened();
        try
        {
            if (await ReadConnectAsync(http, request).ConfigureAwait(false) is { } connect)
            {
                await ServeAsync(http, request, connect).ConfigureAwait(false);
            }
        }
        finally
        {
            hub.Relay.Metrics.StreamClosed();
        }

        return null;
    }

    /// <returns>What the client says first; <c>null</c>: the request has its answer.</returns>
    private async Task<ReadOnlyMemory<byte>?> ReadConnectAsync(HttpContext http, UpgradeRequest request)
    {
        RequestBody connect = form == StreamForm.Events
            ? RequestBody.Of(Encoding.UTF8.GetBytes(request.GetQueryValue("cf_connect") ?? "")) // the whole query is UTF-8, or was refused
            : await RequestBody.ReadAsync(http, maxMessageBytes).ConfigureAwait(false);
        if (connect is { StatusCode: 0, Bytes.Length: 0 })
        {
            connect = connect with { StatusCode = StatusCodes.Status400BadRequest, Complaint = "There is no connect command." };
        }

        if (connect.StatusCode == 0)
        {
            return connect.Bytes;
        }

        await connect.RefuseAsync(http).ConfigureAwait(false);
        return null;
    }

    private async Task ServeAsync(HttpContext http, UpgradeRequest request, ReadOnlyMemory<byte> connect)
    {
        CancellationToken gone = http.RequestAborted;
        string secret = RandomNumberGenerator.GetHexString(32, lowercase: true);
        string id = hub.Relay.NodeId + "-" + RandomNumberGenerator.GetHexString(16, lowercase: true);
        SseStream stream = new(id, place: null, http.Response.BodyWriter, http.Reset, settings);
        StreamSession session = new(hub, secret, stream, form, pingInterval, request, limit);
        hub.Streams[secret] = session;
        try
        {
            StreamDoor.StartResponse(http, form == StreamForm.Events ? "text/event-stream" : "application/json");
            session.Take(connect);
            if (hub.Engine.Gate.IsDraining)
            {
                session.Disconnect(Goodbye.Shutdown.Code, Goodbye.Shutdown.Reason);
            }

            await stream.RunAsync(gone).ConfigureAwait(false);
            CentrifugoLog.StreamEnded(hub.Logger, null, id);
        }
        catch (Exception error) when (error is OperationCanceledException or IOException || gone.IsCancellationRequested)
        {
            if (stream.IsTooSlow)
            {
                CentrifugoLog.StreamTooSlow(hub.Logger, id);
                hub.Engine.Metrics.TooSlow();
            }
            else
            {
                CentrifugoLog.StreamEnded(hub.Logger, error, id);
            }
        }
        finally
        {
            hub.Streams.TryRemove(secret, out _);
            await session.EndAsync().ConfigureAwait(false);
        }
    }
}
