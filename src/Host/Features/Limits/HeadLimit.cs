using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Primitives;

namespace Weir.Host.Features.Limits;

/// <summary>
/// <c>Weir:Limits:MaxHeadBytes</c> for Kestrel's HTTP, so that the same limit applies on every entry point. Kestrel's own limits are
/// set above it: a client, and a page that needs CORS headers to read it, then receives the same 431 everywhere.
/// </summary>
internal static class HeadLimit
{
    /// <summary>Up to this far above the limit Weir answers a request header block; beyond it Kestrel, with 414 or 431.</summary>
    private const int Margin = 64 * 1024;

    /// <summary>Raises Kestrel's limits above Weir's.</summary>
    public static void Apply(KestrelServerLimits limits, int maxHeadBytes)
    {
        int above = maxHeadBytes + Margin;
        limits.MaxRequestBufferSize = Math.Max(limits.MaxRequestBufferSize ?? above, above); // Kestrel refuses to start with less
        limits.MaxRequestLineSize = above;
        limits.MaxRequestHeadersTotalSize = above;
        limits.Http2.MaxRequestHeaderFieldSize = above;
    }

    /// <summary>Answers 431 (RFC 6585 5) for endpoints that do not limit the request header block themselves.</summary>
    public static void Use(IApplicationBuilder app, int maxHeadBytes, PathString[] pathsWithHeadLimit) => app.Use((http, next) =>
    {
        if (SizeOf(http) <= maxHeadBytes || Array.Exists(pathsWithHeadLimit, path => http.Request.Path.StartsWithSegments(path)))
        {
            return next(http);
        }

        http.Response.StatusCode = StatusCodes.Status431RequestHeaderFieldsTooLarge;
        return http.Response.WriteAsync("The request head is too large (RFC 6585 5).\n");
    });

    // As in HTTP/1.1: "GET /path HTTP/1.1" and each "name: value", every line with its CR LF, and a blank line.
    private static long SizeOf(HttpContext http)
    {
        long size = http.Request.Method.Length + (http.Features.Get<IHttpRequestFeature>()?.RawTarget.Length ?? 0) + " HTTP/1.1".Length + 5;
        foreach ((string name, StringValues values) in http.Request.Headers)
        {
            foreach (string? value in values)
            {
                size += name.Length + (value?.Length ?? 0) + 4;
            }
        }

        return size;
    }
}
