using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Weir.Handshake;
using HeaderNames = Microsoft.Net.Http.Headers.HeaderNames;

namespace Weir.Relay.Streams;

/// <summary>
/// The access of pages of other origins to responses and requests (Fetch standard, section 3.3), the same for all stream endpoints. Without
/// these headers a browser hides even the status of a response from the page.
/// </summary>
/// <param name="origins">The allowed origins.</param>
/// <param name="usesCookies">
/// Whether a cookie identifies a client. Origins that are listed by name or domain are then allowed credentials; those that match only a
/// wildcard, never.
/// </param>
internal sealed class CrossOrigin(OriginPolicy origins, bool usesCookies)
{
    // EventSource sends Last-Event-ID and Cache-Control; clients based on fetch send more.
    private const string Headers = "authorization, cache-control, content-type, last-event-id, x-requested-with";

    // The longest that Chromium caches it: two hours.
    private const string MaxAge = "7200";

    /// <summary>Adds the headers to the response.</summary>
    /// <returns>Whether a page of the request's origin may read a response at all.</returns>
    public bool Allows(HttpContext http)
    {
        IHeaderDictionary answer = http.Response.Headers;
        answer.Append(HeaderNames.Vary, HeaderNames.Origin);
        StringValues origin = http.Request.Headers[HeaderNames.Origin];
        if (origin.Count == 0)
        {
            return true;
        }

        if (origin is not [{ } requested] || !origins.Allows(requested, http.Request.Host.Value))
        {
            return false;
        }

        answer[HeaderNames.AccessControlAllowOrigin] = requested;
        answer[HeaderNames.AccessControlExposeHeaders] = "retry-after, www-authenticate";
        if (usesCookies && origins.Names(requested))
        {
            answer[HeaderNames.AccessControlAllowCredentials] = "true";
        }

        return true;
    }

    /// <summary>Answers a browser's preflight request.</summary>
    public static void AnswerPreflight(HttpContext http, string method)
    {
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        http.Response.Headers[HeaderNames.AccessControlAllowMethods] = method;
        http.Response.Headers[HeaderNames.AccessControlAllowHeaders] = Headers;
        http.Response.Headers[HeaderNames.AccessControlMaxAge] = MaxAge;
    }
}
