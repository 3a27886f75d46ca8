using System.Diagnostics.CodeAnalysis;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;
using Weir.Handshake;
using Weir.Http;
using Weir.Relay.Diagnostics;
using Weir.Relay.Nodes;
using HeaderNames = Microsoft.Net.Http.Headers.HeaderNames;

namespace Weir.Relay.Streams;

/// <summary>
/// The common steps of all stream endpoints for a request: origins and CORS, the preflight, methods, limits, and the response to a request
/// that is refused.
/// </summary>
/// <remarks>
/// A browser's EventSource stops permanently at any status except 200, and reconnects automatically after a stream that has ended (HTML
/// standard, section 9.2.3). So a client that accepts <c>text/event-stream</c> is answered a temporary refusal with 200, the reconnection
/// time, and the end of the stream; any other client with the status and <c>Retry-After</c>.
/// </remarks>
[Experimental("WEIR001")]
public sealed class HttpStreamAdmission
{
    // Caused by the application's or the server's code, not by the client's request: the next attempt may succeed.
    private static readonly HandshakeRefusal _failed = HandshakeRefusal.Temporary(500, "Internal error.", 5, "handler_error");

    private readonly WeirNode _node;
    private readonly ILogger _logger;
    private readonly CrossOrigin _crossOrigin;
    private readonly int _maxHeadBytes;

    /// <summary>Creates the admission of one or more endpoints.</summary>
    /// <param name="node">The node, whose limits hold for streams and connections together.</param>
    /// <param name="relay">Its logger is used.</param>
    /// <param name="origins">The origins whose pages may read responses.</param>
    /// <param name="usesCookies">Whether clients may be authenticated by cookies, so that CORS must permit credentials.</param>
    /// <param name="maxHeadBytes">The largest request header block, as measured in HTTP/1.1.</param>
    public HttpStreamAdmission(WeirNode node, RelayNode relay, OriginPolicy origins, bool usesCookies, int maxHeadBytes)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(relay);
        ArgumentNullException.ThrowIfNull(origins);
        _node = node;
        _logger = relay.Logger;
        _crossOrigin = new CrossOrigin(origins, usesCookies);
        _maxHeadBytes = maxHeadBytes;
    }

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
        ArgumentNullException.ThrowIfNull(http);
        ArgumentNullException.ThrowIfNull(serve);
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
        else if (HttpRequests.TryRead(http.Request, _maxHeadBytes, out UpgradeRequest? request) is { } unread)
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
                RelayLog.StreamFailed(_logger, error);
                refusal = _failed;
            }
        }

        if (refusal is not null)
        {
            await RefuseAsync(http, refusal, lastEvent).ConfigureAwait(false);
        }
    }

    /// <summary>Serves a request within the limits of the node; its admission is held until that has completed.</summary>
    /// <param name="http">The request.</param>
    /// <param name="serve">As for <see cref="InvokeAsync"/>.</param>
    /// <returns>Why the request is refused; <c>null</c> if it was served.</returns>
    public async Task<HandshakeRefusal?> EnterAsync(HttpContext http, Func<HttpContext, Task<HandshakeRefusal?>> serve)
    {
        ArgumentNullException.ThrowIfNull(http);
        ArgumentNullException.ThrowIfNull(serve);
        IPAddress? address = _node.GetClientAddress(http); // by which the limits count it
        if (_node.Admit(address) is { } full)
        {
            return full;
        }

        try
        {
            return await serve(http).ConfigureAwait(false);
        }
        finally
        {
            _node.Release(address);
        }
    }

    /// <summary>Makes the response a stream: no proxy buffers it, and no limit meant for a page ends it.</summary>
    /// <param name="http">The request; its response has not begun.</param>
    /// <param name="contentType">The response's media type.</param>
    public static void StartResponse(HttpContext http, string contentType)
    {
        ArgumentNullException.ThrowIfNull(http);
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
        _node.CountRefused(refusal);
        if (refusal.RetryAfter is not null && lastEvent is not null && AcceptsEvents(http.Request))
        {
            StartResponse(http, "text/event-stream");
            byte[] answer = [.. SseFormat.Later(refusal.Reason, _node.GetRetryDelay(refusal)), .. lastEvent(refusal)];
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
