using System.Diagnostics.CodeAnalysis;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using HeaderNames = Microsoft.Net.Http.Headers.HeaderNames;

namespace Weir.Relay.Http;

/// <summary>A request's body of JSON, or the reason why there is none.</summary>
/// <param name="Bytes">UTF-8 without a byte order mark. Not validated otherwise.</param>
/// <param name="StatusCode">The status to refuse the request with; 0 if it is valid. 499: the client has disconnected.</param>
/// <param name="Complaint">What is wrong, for the client's developer; empty if it is valid.</param>
[Experimental("WEIR001")]
public readonly record struct RequestBody(ReadOnlyMemory<byte> Bytes, int StatusCode = 0, string Complaint = "")
{
    /// <summary>Reads a body up to a bound.</summary>
    /// <param name="http">The request.</param>
    /// <param name="maxBytes">The largest body; a larger one is refused with 413.</param>
    public static async ValueTask<RequestBody> ReadAsync(HttpContext http, int maxBytes)
    {
        ArgumentNullException.ThrowIfNull(http);
        if (http.Request.Headers[HeaderNames.ContentEncoding] is { Count: > 0 } encoding && encoding != "identity")
        {
            return Refuse(StatusCodes.Status415UnsupportedMediaType, "Send the body without a Content-Encoding.");
        }

        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = maxBytes;
        }

        MemoryStream body = new((int)Math.Min(http.Request.ContentLength ?? 0, maxBytes));
        try
        {
            await http.Request.Body.CopyToAsync(body, http.RequestAborted).ConfigureAwait(false);
        }
        catch (BadHttpRequestException error)
        {
            return Refuse(error.StatusCode, error.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? $"The body has more than {maxBytes} bytes." : error.Message);
        }
        catch (Exception error) when (error is OperationCanceledException or IOException)
        {
            return Refuse(StatusCodes.Status499ClientClosedRequest, "The client has disconnected.");
        }

        return Of(body.GetBuffer().AsMemory(0, (int)body.Length));
    }

    /// <summary>Validates JSON from another part of the request than its body.</summary>
    public static RequestBody Of(ReadOnlyMemory<byte> bytes) => !Utf8.IsValid(bytes.Span)
        ? Refuse(StatusCodes.Status400BadRequest, "JSON must be UTF-8 (RFC 8259 section 8.1).")
        : new RequestBody(bytes.Span.StartsWith("\uFEFF"u8) ? bytes["\uFEFF"u8.Length..] : bytes);

    /// <summary>Answers the request with the status, and the complaint as text.</summary>
    public Task RefuseAsync(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        http.Response.StatusCode = StatusCode;
        http.Response.ContentType = "text/plain; charset=utf-8";
        return http.Response.WriteAsync(Complaint + "\n");
    }

    private static RequestBody Refuse(int statusCode, string complaint) => new(default, statusCode, complaint);
}
