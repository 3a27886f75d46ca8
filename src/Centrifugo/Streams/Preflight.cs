using Microsoft.AspNetCore.Http;
using Weir.Handshake;
using Weir.Relay.Sse;
using HeaderNames = Microsoft.Net.Http.Headers.HeaderNames;

namespace Weir.Centrifugo.Streams;

/// <summary>What comes first on every path: whether the page's origin may, and the answer to a browser that only asks for that.</summary>
internal static class Preflight
{
    /// <returns>False when the request has its answer.</returns>
    public static async ValueTask<bool> PassesAsync(HttpContext http, StreamDoor door)
    {
        if (!door.AllowsOrigin(http))
        {
            await door.RefuseAsync(http, HandshakeRefusal.ForbiddenOrigin).ConfigureAwait(false);
            return false;
        }

        if (HttpMethods.IsOptions(http.Request.Method))
        {
            Answer(http);
            return false;
        }

        return true;
    }

    private static void Answer(HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        http.Response.Headers[HeaderNames.AccessControlAllowMethods] = "GET, POST";
        http.Response.Headers[HeaderNames.AccessControlAllowHeaders] = "content-type";
        http.Response.Headers[HeaderNames.AccessControlMaxAge] = "600";
    }
}
