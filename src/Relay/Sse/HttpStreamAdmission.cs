using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Weir.Connections;
using Weir.Handshake;
using Weir.Hosting;
using Weir.Http;
using Weir.Limits;
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
internal sealed class HttpStreamAdmission(WeirEngine engine, OriginPolicy origins, bool usesCookies, int maxHeadBytes)
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
                RelayLog.StreamFailed(engine.Logger, error);
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
        IPAddress? address = AddressOf(http);
        if (engine.Gate.Enter(address) is { } full)
        {
            return full;
        }

        try
        {
            return await serve(http).ConfigureAwait(false);
        }
        finally
        {
            engine.Gate.Leave(address);
        }
    }

    /// <summary>The client's address, by which the limits count it.</summary>
    private IPAddress? AddressOf(HttpContext http) =>
        ClientAddress.Of(http.Connection.RemoteIpAddress, http.Request.Headers, engine.Settings.Proxies);

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

    /// <summary>Ends streams one after another over a window, as connections are.</summary>
    public async Task DrainAsync<T>(IReadOnlyCollection<T> streams, Action<T> end, TimeSpan window, CancellationToken abortToken)
    {
        long began = engine.Time.GetTimestamp();
        int total = streams.Count;
        int ended = 0;
        foreach (T stream in streams)
        {
            while (!abortToken.IsCancellationRequested && ended >= DueAt(engine.Time.GetElapsedTime(began)))
            {
                await Task.Delay(Drain.Step, engine.Time, abortToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            end(stream);
            ended++;
        }

        int DueAt(TimeSpan passed)
        {
            double steps = 1 + Math.Floor(passed / Drain.Step);
            double share = window > TimeSpan.Zero ? Math.Ceiling(total * Math.Min(1, passed / window)) : total;
            return (int)Math.Max(Drain.FewestPerStep * steps, share);
        }
    }

    private async Task RefuseAsync(HttpContext http, HandshakeRefusal refusal, Func<HandshakeRefusal, byte[]>? lastEvent)
    {
        engine.Metrics.Refused(refusal.StatusCode, refusal.Name);
        if (refusal.RetryAfter is not null && lastEvent is not null && AcceptsEvents(http.Request))
        {
            StartResponse(http, "text/event-stream");
            byte[] answer = [.. SseFormat.Later(refusal.Reason, engine.Gate.WaitAfter(refusal)), .. lastEvent(refusal)];
            await http.Response.Body.WriteAsync(answer, http.RequestAborted).ConfigureAwait(false);
            return;
        }

        HttpRefusal.WriteHead(http.Response, refusal);
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.WriteAsync(refusal.Reason + "\n", http.RequestAborted).ConfigureAwait(false);
    }

    private static bool AcceptsEvents(HttpRequest request)
        => request.Headers.Accept.Any(static accept => accept?.Contains("text/event-stream", StringComparison.OrdinalIgnoreCase) == true);
}
