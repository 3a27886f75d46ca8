using Microsoft.AspNetCore.Http;

namespace Weir.Http;

/// <summary>A request of the HTTP pipeline in the form that the rest of the engine judges.</summary>
internal static class HttpHead
{
    /// <exception cref="ArgumentException">It does not make a head; Kestrel lets none of those through.</exception>
    public static UpgradeRequest Of(HttpRequest request) => UpgradeRequest.FromHttp(
        request.Method, request.Path.ToUriComponent() + request.QueryString.ToUriComponent(), HeadersOf(request));

    private static IEnumerable<KeyValuePair<string, string>> HeadersOf(HttpRequest request)
    {
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in request.Headers)
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
