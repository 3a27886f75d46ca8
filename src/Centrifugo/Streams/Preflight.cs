using Microsoft.AspNetCore.Http;
using HeaderNames = Microsoft.Net.Http.Headers.HeaderNames;

namespace Weir.Centrifugo.Streams;

/// <summary>The answer to a browser that asks whether a page of another origin may send JSON here.</summary>
internal static class Preflight
{
    /// <param name="http">A request whose origin has been found good.</param>
    public static void Answer(HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        http.Response.Headers[HeaderNames.AccessControlAllowMethods] = "GET, POST";
        http.Response.Headers[HeaderNames.AccessControlAllowHeaders] = "content-type";
        http.Response.Headers[HeaderNames.AccessControlMaxAge] = "600";
    }
}
