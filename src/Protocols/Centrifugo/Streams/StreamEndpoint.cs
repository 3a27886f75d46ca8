using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Weir.Handshake;
using Weir.Http;
using Weir.Limits;
using Weir.Protocols.Centrifugo.Diagnostics;
using Weir.Protocols.Centrifugo.Protocol;
using Weir.Protocols.Centrifugo.Sessions;
using Weir.Relay.Http;
using Weir.Relay.Streams;

namespace Weir.Protocols.Centrifugo.Streams;

/// <summary>
/// A path for clients without WebSocket: Server-Sent Events with the connect in the query, or lines with the connect in the
/// body. Further commands arrive at <see cref="EmulationEndpoint"/>.
/// </summary>
internal sealed class StreamEndpoint(
    CentrifugoHub hub,
    StreamForm form,
    HttpStreamAdmission admission,
    StreamSettings settings,
    TimeSpan pingInterval,
    int maxMessageBytes,
    InboundLimit? limit)
{
    // Clients of this protocol reconnect after both codes, with their own back-off.
    private readonly byte[] _shutdown = StreamForms.Disconnect(StreamForm.Events, hub.Form, DisconnectReason.Shutdown);
    private readonly byte[] _tooMany = StreamForms.Disconnect(StreamForm.Events, hub.Form, DisconnectReason.TooManyRequests);

    public Task InvokeAsync(HttpContext http) => form == StreamForm.Events
        ? admission.InvokeAsync(http, HttpMethods.Get, EnterAsync, _ => hub.Node.IsDraining ? _shutdown : _tooMany)
        : admission.InvokeAsync(http, HttpMethods.Post, EnterAsync, lastEvent: null); // read by fetch, which can read the status

    private Task<HandshakeRefusal?> EnterAsync(HttpContext http) => admission.EnterAsync(http, ServeUnlessRefusedAsync);

    private async Task<HandshakeRefusal?> ServeUnlessRefusedAsync(HttpContext http)
    {
        UpgradeRequest request = http.Features.GetRequiredFeature<UpgradeRequest>();
        hub.Relay.CountStreamOpened();
        try
        {
            if (await ReadConnectAsync(http, request).ConfigureAwait(false) is { } connect)
            {
                await ServeAsync(http, request, connect).ConfigureAwait(false);
            }
        }
        finally
        {
            hub.Relay.CountStreamClosed();
        }

        return null;
    }

    /// <returns>The first commands of the client; <c>null</c> if the request has been answered.</returns>
    private async Task<ReadOnlyMemory<byte>?> ReadConnectAsync(HttpContext http, UpgradeRequest request)
    {
        RequestBody connect = form == StreamForm.Events
            ? RequestBody.Of(Encoding.UTF8.GetBytes(request.GetQueryValue("cf_connect") ?? "")) // a query that is not UTF-8 was refused
            : await RequestBody.ReadAsync(http, maxMessageBytes).ConfigureAwait(false);
        if (connect is { StatusCode: 0, Bytes.Length: 0 })
        {
            connect = connect with { StatusCode = StatusCodes.Status400BadRequest, Complaint = "The connect command is missing." };
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
        CancellationToken aborted = http.RequestAborted;
        string secret = RandomNumberGenerator.GetHexString(32, lowercase: true);
        string id = hub.Relay.NodeId + "-" + RandomNumberGenerator.GetHexString(16, lowercase: true);
        ResponseStream stream = new(id, http.Response.BodyWriter, http.Reset, settings);
        StreamSession session = new(hub, secret, stream, form, pingInterval, request, limit);
        hub.Streams[secret] = session;
        try
        {
            HttpStreamAdmission.StartResponse(http, form == StreamForm.Events ? "text/event-stream" : "application/json");
            session.Take(connect);
            if (hub.Node.IsDraining)
            {
                session.Disconnect(DisconnectReason.Shutdown.Code, DisconnectReason.Shutdown.Reason);
            }

            await stream.RunAsync(aborted).ConfigureAwait(false);
            CentrifugoLog.StreamEnded(hub.Logger, null, id);
        }
        catch (Exception error) when (error is OperationCanceledException or IOException || aborted.IsCancellationRequested)
        {
            if (stream.IsTooSlow)
            {
                CentrifugoLog.StreamTooSlow(hub.Logger, id);
                hub.Node.CountTooSlow();
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
