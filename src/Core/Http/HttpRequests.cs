using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Weir.Http;

/// <summary>Requests of Kestrel's HTTP pipeline as handlers know them.</summary>
internal static class HttpRequests
{
    public static UpgradeRequest ToUpgradeRequest(HttpRequest request) => UpgradeRequest.FromHttp(
        request.Method, request.Path.ToUriComponent() + request.QueryString.ToUriComponent(), HeadersOf(request));

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
