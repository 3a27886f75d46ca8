using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using Weir.Handshake;

namespace Weir.Http;

/// <summary>Refusals as responses of the HTTP pipeline. Thread-safe.</summary>
[Experimental("WEIR001")]
public static class HttpRefusal
{
    /// <summary>Sets the status of a response and the header that belongs to it; the body is the caller's.</summary>
    /// <param name="response">The response, which has not begun.</param>
    /// <param name="refusal">The refusal.</param>
    public static void Apply(HttpResponse response, HandshakeRefusal refusal)
    {
        response.StatusCode = refusal.StatusCode;
        if (refusal.ExtraHeader is { } header)
        {
            int colon = header.IndexOf(':', StringComparison.Ordinal);
            response.Headers[header[..colon]] = header[(colon + 1)..].Trim();
        }
    }
}
