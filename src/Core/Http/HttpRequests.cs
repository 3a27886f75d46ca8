using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Weir.Handshake;

namespace Weir.Http;

/// <summary>Converts requests of the HTTP pipeline to those of handlers. Thread-safe.</summary>
[Experimental("WEIR001")]
public static class HttpRequests
{
    /// <summary>Reads a request as the listener reads a handshake's, for every endpoint in the HTTP pipeline.</summary>
    /// <param name="request">The request.</param>
    /// <param name="maxHeadBytes">The largest request header block in bytes, measured as in HTTP/1.1.</param>
    /// <param name="read">The request; <c>null</c> if it is refused.</param>
    /// <returns>
    /// The refusal: its target or a header is malformed, its path or query is not UTF-8, or its request header block is too large.
    /// <c>null</c> if it is accepted.
    /// </returns>
    public static HandshakeRefusal? TryRead(HttpRequest request, int maxHeadBytes, out UpgradeRequest? read)
    {
        HandshakeRefusal? refusal = UpgradeRequest.TryFromHttp(
            request.Method, request.Path.ToUriComponent() + request.QueryString.ToUriComponent(), HeadersOf(request), out read);
        refusal ??= !read!.HasReadableTarget ? HandshakeRefusal.BadTarget
            : read.Head.Length > maxHeadBytes ? HandshakeRefusal.HeadTooLarge
            : null;
        read = refusal is null ? read : null;
        return refusal;
    }

    private static IEnumerable<KeyValuePair<string, string>> HeadersOf(HttpRequest request)
    {
        foreach ((string name, StringValues values) in request.Headers)
        {
            if (name.StartsWith(':'))
            {
                continue; // HTTP/2 pseudo-headers, of which Kestrel has made the request line and Host
            }

            foreach (string? value in values)
            {
                yield return KeyValuePair.Create(name, value ?? "");
            }
        }
    }
}
