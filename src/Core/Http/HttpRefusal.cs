using Microsoft.AspNetCore.Http;
using Weir.Handshake;

namespace Weir.Http;

/// <summary>A refusal as Kestrel answers it.</summary>
internal static class HttpRefusal
{
    /// <summary>Puts the status and the header that belongs to it on the response; the body is the caller's.</summary>
    public static void WriteHead(HttpResponse response, HandshakeRefusal refusal)
    {
        response.StatusCode = refusal.StatusCode;
        if (refusal.ExtraHeader is { } header)
        {
            int colon = header.IndexOf(':', StringComparison.Ordinal);
            response.Headers[header[..colon]] = header[(colon + 1)..].Trim();
        }
    }
}
