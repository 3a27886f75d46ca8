using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Weir.Handshake;
using HeaderNames = Microsoft.Net.Http.Headers.HeaderNames;

namespace Weir.Relay.Sse;

/// <summary>
/// What pages of other origins may read and send (Fetch standard, section 3.3), the same for all endpoints of streams. A browser
/// that is not given these headers hides even the status of an answer from the page.
/// </summary>
/// <param name="origins">The origins that may.</param>
/// <param name="usesCookies">
/// Whether a cookie says who a client is. Origins that are listed by name or domain are then allowed credentials; those that only
/// a wildcard lets in, never.
/// </param>
internal sealed class CrossOrigin(OriginPolicy origins, bool usesCookies)
{
    // EventSource sends Last-Event-ID and Cache-Control; clients based on fetch send more.
    private const string Headers = "authorization, cache-control, content-type, last-event-id, x-requested-with";

    // As long as Chromium keeps it: two hours.
    private const string MaxAge = "7200";

    /// <summary>Puts the headers on the answer.</summary>
    /// <returns>Whether a page of the request's origin may have an answer at all.</returns>
    public bool Allows(HttpContext http)
    {
        IHeaderDictionary answer = http.Response.Headers;
        answer.Append(HeaderNames.Vary, HeaderNames.Origin);
        StringValues origin = http.Request.Headers[HeaderNames.Origin];
        if (origin.Count == 0)
        {
            return true;
        }

        if (origin is not [{ } asked] || !origins.Allows(asked, http.Request.Host.Value))
        {
            return false;
        }

        answer[HeaderNames.AccessControlAllowOrigin] = asked;
        answer[HeaderNames.AccessControlExposeHeaders] = "retry-after, www-authenticate";
        if (usesCookies && origins.Names(asked))
        {
            answer[HeaderNames.AccessControlAllowCredentials] = "true";
        }

        return true;
    }

    /// <summary>Answers a browser that asks whether a page may send a request.</summary>
    public static void AnswerPreflight(HttpContext http, string method)
    {
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        http.Response.Headers[HeaderNames.AccessControlAllowMethods] = method;
        http.Response.Headers[HeaderNames.AccessControlAllowHeaders] = Headers;
        http.Response.Headers[HeaderNames.AccessControlMaxAge] = MaxAge;
    }
}
