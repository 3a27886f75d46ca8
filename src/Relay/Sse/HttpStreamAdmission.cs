using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;
using Weir.Handshake;
using Weir.Http;
using Weir.Relay.Diagnostics;
using HeaderNames = Microsoft.Net.Http.Headers.HeaderNames;

namespace Weir.Relay.Sse;

/// <summary>
/// The common steps of all stream endpoints for a request: origins and CORS, the preflight, methods, limits, and the response to a request
/// that is refused.
/// </summary>
/// <remarks>
/// A browser's EventSource stops permanently at any status except 200, and reconnects automatically after a stream that has ended (HTML
/// standard, section 9.2.3). So a client that accepts <c>text/event-stream</c> is answered a temporary refusal with 200, the reconnection
/// time, and the end of the stream; any other client with the status and <c>Retry-After</c>.
/// </remarks>
internal sealed class HttpStreamAdmission(WeirNode node, ILogger logger, OriginPolicy origins, bool usesCookies, int maxHeadBytes)
{
    // Caused by the application's or the server's code, not by the client's request: the next attempt may succeed.
    private static readonly HandshakeRefusal _failed = HandshakeRefusal.Temporary(500, "Internal error.", 5, "handler_error");

    private readonly CrossOrigin _crossOrigin = new(origins, usesCookies);

    /// <summary>Serves a request.</summary>
    /// <param name="http">The request.</param>
    /// <param name="method">The endpoint's method.</param>
    /// <param name="serve">
    /// Serves the request, or returns why it is refused; then the response has not begun. The request in the form for access control
    /// (<see cref="UpgradeRequest"/>) is among its features.
    /// </param>
    /// <param name="lastEvent">
    /// Creates the event that notifies a client with code of its own of a temporary refusal, where the protocol has one; <c>null</c> if the
    /// endpoint has no event streams, and refusals are statuses.
    /// </param>
    public async Task InvokeAsync(
        HttpContext http, string method, Func<HttpContext, Task<HandshakeRefusal?>> serve, Func<HandshakeRefusal, byte[]>? lastEvent)
    {
        http.Response.Headers[HeaderNames.CacheControl] = "no-cache, no-transform";
        HandshakeRefusal? refusal;
        if (!_crossOrigin.Allows(http))
        {
            refusal = HandshakeRefusal.ForbiddenOrigin;
        }
        else if (HttpMethods.IsOptions(http.Request.Method))
        {
            CrossOrigin.AnswerPreflight(http, method);
            return;
        }
        else if (!HttpMethods.Equals(http.Request.Method, method))
        {
            refusal = new HandshakeRefusal(405, $"This path accepts {method}.", $"Allow: {method}, OPTIONS", "method");
        }
        else if (HttpRequests.TryRead(http.Request, maxHeadBytes, out UpgradeRequest? request) is { } unread)
        {
            refusal = unread;
        }
        else
        {
            try
            {
                http.Features.Set(request);
                refusal = await serve(http).ConfigureAwait(false);
            }
            catch (Exception error) when (!http.Response.HasStarted && !http.RequestAborted.IsCancellationRequested)
            {
                // Answered here, because the server's own 500 would lack the headers that let a page read it.
                RelayLog.StreamFailed(logger, error);
                refusal = _failed;
            }
        }

        if (refusal is not null)
        {
            await RefuseAsync(http, refusal, lastEvent).ConfigureAwait(false);
        }
    }

    /// <summary>Serves a request within the limits of the node; its admission is held until that has completed.</summary>
    public async Task<HandshakeRefusal?> EnterAsync(HttpContext http, Func<HttpContext, Task<HandshakeRefusal?>> serve)
    {
        IPAddress? address = node.GetClientAddress(http); // by which the limits count it
        if (node.Admit(address) is { } full)
        {
            return full;
        }

        try
        {
            return await serve(http).ConfigureAwait(false);
        }
        finally
        {
            node.Release(address);
        }
    }

    /// <summary>Makes the response a stream: no proxy buffers it, and no limit meant for a page ends it.</summary>
    public static void StartResponse(HttpContext http, string contentType)
    {
        http.Response.ContentType = contentType;
        http.Response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold events back until its buffer is full
        http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        http.Features.Get<Microsoft.AspNetCore.Http.Timeouts.IHttpRequestTimeoutFeature>()?.DisableTimeout();
        if (HttpProtocol.IsHttp11(http.Request.Protocol) && http.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null; // the stream's own limits decide how slow a client may be
        }
    }

    private async Task RefuseAsync(HttpContext http, HandshakeRefusal refusal, Func<HandshakeRefusal, byte[]>? lastEvent)
    {
        node.CountRefused(refusal);
        if (refusal.RetryAfter is not null && lastEvent is not null && AcceptsEvents(http.Request))
        {
            StartResponse(http, "text/event-stream");
            byte[] answer = [.. SseFormat.Later(refusal.Reason, node.GetRetryDelay(refusal)), .. lastEvent(refusal)];
            await http.Response.Body.WriteAsync(answer, http.RequestAborted).ConfigureAwait(false);
            return;
        }

        HttpRefusal.Apply(http.Response, refusal);
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.WriteAsync(refusal.Reason + "\n", http.RequestAborted).ConfigureAwait(false);
    }

    private static bool AcceptsEvents(HttpRequest request)
        => request.Headers.Accept.Any(static accept => accept?.Contains("text/event-stream", StringComparison.OrdinalIgnoreCase) == true);
}
