using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Weir.Connections;
using Weir.Diagnostics;
using Weir.Handshake;
using Weir.Http;
using Weir.Limits;
using Weir.Sending;
using HeaderNames = Microsoft.Net.Http.Headers.HeaderNames;

namespace Weir.Hosting;

/// <summary>
/// The endpoint in the HTTP pipeline: HTTP/1.1 upgrades that arrive as a later request of their connection, and HTTP/2's extended
/// CONNECT (RFC 8441). Applies the rules of WeirMiddleware, answers through Kestrel.
/// </summary>
internal sealed class UpgradeEndpoint(WeirEndpoint endpoint, WeirListener listener)
{
    public async Task InvokeAsync(HttpContext http)
    {
        UpgradeRequest? asked = null;
        IHttpExtendedConnectFeature? connect = http.Features.Get<IHttpExtendedConnectFeature>();
        bool isConnect = connect is { IsExtendedConnect: true };
        IHttpUpgradeFeature? upgrade = http.Features.Get<IHttpUpgradeFeature>();
        HandshakeRefusal? unread = RefusalOfForm(http, isConnect ? connect!.Protocol : null, upgrade)
            ?? HttpRequests.TryRead(http.Request, endpoint.MaxHeadBytes, out asked);
        if (unread is not null)
        {
            await RefuseAsync(http, unread).ConfigureAwait(false);
            return;
        }

        HandshakeResult handshake = HandshakeRules.Validate(asked!, isConnect);
        // Forwarded-headers middleware of the application's, if any, has put the client's address in place already.
        IPAddress? address = ClientAddress.Of(http.Connection.RemoteIpAddress, http.Request.Headers, endpoint.Engine.Settings.Proxies);
        AdmissionResult admission = handshake.Refusal is { } broken
            ? new AdmissionResult(broken)
            : await Admission.EvaluateAsync(endpoint, asked!, address, http.TraceIdentifier).ConfigureAwait(false);
        HandshakeRefusal? refusal = admission.Refusal;
        if (refusal is { CloseCode: null })
        {
            await RefuseAsync(http, refusal).ConfigureAwait(false);
            return;
        }

        NegotiatedParameters negotiated = refusal is null
            ? NegotiatedParameters.Reach(endpoint, handshake)
            : NegotiatedParameters.ReachForRefusal(endpoint, handshake);
        LiftRequestLimits(http);
        IHeaderDictionary answer = http.Response.Headers;
        answer[HeaderNames.SecWebSocketProtocol] = negotiated.Subprotocol;
        answer[HeaderNames.SecWebSocketExtensions] = negotiated.Extensions;
        Stream stream;
        try
        {
            if (isConnect)
            {
                stream = await connect!.AcceptAsync().ConfigureAwait(false);
            }
            else
            {
                answer[HeaderNames.Upgrade] = "websocket";
                answer[HeaderNames.SecWebSocketAccept] = HandshakeResponse.ComputeAccept(Encoding.ASCII.GetString(handshake.Key));
                stream = await upgrade!.UpgradeAsync().ConfigureAwait(false);
            }
        }
        catch (Exception error) when (TransportErrors.IsExpected(error))
        {
            if (refusal is null)
            {
                endpoint.Engine.Gate.Leave(address);
            }

            WeirLog.TransportEnded(endpoint.Engine.Logger, error, http.TraceIdentifier);
            return;
        }

        UpgradedConnection transport = new(http, stream);
        await using (transport.ConfigureAwait(false))
        {
            ConnectionTimer timer = new(listener.Wheel, transport, listener.Engine);
            if (refusal is not null)
            {
                await RejectWithCloseAsync(transport, timer, refusal).ConfigureAwait(false);
                return;
            }

            WeirConnection connection = new(endpoint, transport, timer, asked!, address, negotiated.Subprotocol, negotiated.Deflate)
            {
                State = admission.State,
            };
            await connection.RunAsync().ConfigureAwait(false);
        }
    }

    // HTTP/2 has no Upgrade to ask for with a 426 (RFC 9113 8.2.2).
    private static HandshakeRefusal? RefusalOfForm(HttpContext http, string? protocol, IHttpUpgradeFeature? upgrade)
    {
        if (protocol is not null)
        {
            return protocol.Equals("websocket", StringComparison.OrdinalIgnoreCase) ? null : HandshakeRefusal.OtherProtocol;
        }

        return HttpProtocol.IsHttp2(http.Request.Protocol) ? HandshakeRefusal.NotConnect
            : upgrade is { IsUpgradableRequest: true } ? null
            : HandshakeRefusal.UpgradeRequired;
    }

    private async Task RejectWithCloseAsync(UpgradedConnection transport, ConnectionTimer timer, HandshakeRefusal refusal)
    {
        Note(transport.ConnectionId, refusal);
        try
        {
            await RejectWithClose.SendAsync(transport, timer, endpoint, refusal).ConfigureAwait(false);
        }
        catch (Exception error) when (TransportErrors.IsExpected(error))
        {
            WeirLog.TransportEnded(endpoint.Engine.Logger, error, transport.ConnectionId);
        }
        finally
        {
            timer.Retire();
        }
    }

    // Limits that are meant for a request's body and would end a connection that lives for days.
    private static void LiftRequestLimits(HttpContext http)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }

        http.Features.Get<Microsoft.AspNetCore.Http.Timeouts.IHttpRequestTimeoutFeature>()?.DisableTimeout();
    }

    private async Task RefuseAsync(HttpContext http, HandshakeRefusal refusal)
    {
        Note(http.TraceIdentifier, refusal);
        HttpResponse response = http.Response;
        HttpRefusal.Apply(response, refusal);
        response.ContentType = "text/plain; charset=utf-8";
        if (!HttpProtocol.IsHttp2(http.Request.Protocol))
        {
            bool asksForUpgrade = refusal.StatusCode == StatusCodes.Status426UpgradeRequired;
            response.Headers[HeaderNames.Connection] = asksForUpgrade ? "close, Upgrade" : "close";
            response.Headers[HeaderNames.Upgrade] = asksForUpgrade ? "websocket" : default(string);
        }

        await response.WriteAsync(refusal.Reason + "\n").ConfigureAwait(false);
    }

    private void Note(string connectionId, HandshakeRefusal refusal)
    {
        WeirLog.HandshakeRefused(endpoint.Engine.Logger, connectionId, refusal.StatusCode, refusal.Reason);
        endpoint.Engine.Metrics.Refused(refusal.StatusCode, refusal.Name);
    }
}
