using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Primitives;
using Weir.Connections;
using Weir.Handshake;
using Weir.Http;
using Weir.Limits;
using HeaderNames = Microsoft.Net.Http.Headers.HeaderNames;

namespace Weir.Relay.Sse;

/// <summary>Judges requests for streams as a WebSocket's handshake is judged: origin and limits; and begins the answer.</summary>
internal sealed class StreamDoor(WeirEngine engine, OriginPolicy origins)
{
    /// <summary>Whether a page of that origin may read the answer; then the answer says so.</summary>
    public bool AllowsOrigin(HttpContext http)
    {
        StringValues origin = http.Request.Headers[HeaderNames.Origin];
        if (origin.Count == 0)
        {
            return true;
        }

        http.Response.Headers[HeaderNames.Vary] = HeaderNames.Origin;
        if (origin.Count > 1 || !origins.Allows(origin[0], http.Request.Host.Value))
        {
            return false;
        }

        http.Response.Headers[HeaderNames.AccessControlAllowOrigin] = origin;
        return true;
    }

    /// <summary>The client's address, by which the limits count it.</summary>
    public IPAddress? AddressOf(HttpContext http)
    {
        IPAddress? remote = http.Connection.RemoteIpAddress;
        if (engine.Options.TrustedProxies.Count == 0)
        {
            return remote;
        }

        UpgradeRequest request = UpgradeRequest.FromHttp(
            "GET", "/", http.Request.Headers["X-Forwarded-For"].Select(static value => KeyValuePair.Create("X-Forwarded-For", value ?? "")));
        return ClientAddress.Of(remote, request, engine.Options.TrustedProxies);
    }

    public async Task RefuseAsync(HttpContext http, HandshakeRefusal refusal)
    {
        engine.Metrics.Refused(refusal.StatusCode, refusal.Name);
        HttpRefusal.WriteHead(http.Response, refusal);
        await http.Response.WriteAsync(refusal.Reason + "\n").ConfigureAwait(false);
    }

    /// <summary>Makes a stream of the response: nobody on the way gathers it, and no limit meant for a page ends it.</summary>
    public static void StartResponse(HttpContext http, string contentType)
    {
        http.Response.ContentType = contentType;
        http.Response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold events back until its buffer is full
        http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        http.Features.Get<Microsoft.AspNetCore.Http.Timeouts.IHttpRequestTimeoutFeature>()?.DisableTimeout();
        if (HttpProtocol.IsHttp11(http.Request.Protocol) && http.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null; // how slow a client may be is ours to say
        }
    }

    /// <summary>Ends streams one after another over a window, as connections are.</summary>
    public async Task DrainAsync<T>(IReadOnlyCollection<T> streams, Action<T> end, TimeSpan window, CancellationToken hurry)
    {
        long began = engine.Time.GetTimestamp();
        int total = streams.Count;
        int ended = 0;
        foreach (T stream in streams)
        {
            while (!hurry.IsCancellationRequested && ended >= DueAt(engine.Time.GetElapsedTime(began)))
            {
                await Task.Delay(Drain.Step, engine.Time, hurry).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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
}
