using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Weir.Centrifugo.Streams;

/// <summary>Reads a request's body up to a bound.</summary>
internal static class RequestBody
{
    /// <returns>The body; null when it cannot be had, and the answer says why.</returns>
    public static async Task<byte[]?> ReadAsync(HttpContext http, int maxBytes)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = maxBytes;
        }

        try
        {
            using MemoryStream body = new();
            await http.Request.Body.CopyToAsync(body, http.RequestAborted).ConfigureAwait(false);
            return body.ToArray();
        }
        catch (BadHttpRequestException error)
        {
            http.Response.StatusCode = error.StatusCode; // 413
        }
        catch (Exception error) when (error is OperationCanceledException or IOException)
        {
            // Nobody waits for the answer.
        }

        return null;
    }
}
