using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Weir.Http;

/// <summary>Ends requests of the HTTP pipeline without an orderly end of their response.</summary>
[Experimental("WEIR001")]
public static class HttpResets
{
    // "The endpoint uses this error code to indicate that the stream is no longer needed" (RFC 9113 7).
    private const int Cancel = 0x8;

    /// <summary>
    /// Resets the HTTP/2 stream with CANCEL, or aborts the connection of an HTTP/1.1 request. <see cref="HttpContext.Abort"/> would
    /// send INTERNAL_ERROR, though the client is too slow, idle or late. Thread-safe.
    /// </summary>
    /// <param name="http">The request.</param>
    public static void Reset(this HttpContext http)
    {
        if (http.Features.Get<IHttpResetFeature>() is { } stream)
        {
            stream.Reset(Cancel);
        }
        else
        {
            http.Abort();
        }
    }
}
