using Weir.Handshake;

namespace Weir.Auth.Tokens;

/// <summary>Finds the token of a client: <c>Authorization: Bearer</c>, a cookie, <c>?token=</c>, in that order.</summary>
internal static class TokenFinder
{
    private const string Scheme = "Bearer ";

    /// <returns>The first one, unverified; <c>null</c> if there is none.</returns>
    public static string? Find(UpgradeRequest request, string cookie)
    {
        // RFC 6750 section 2.1; the scheme's case does not matter (RFC 9110 section 11.1).
        if (request.GetHeader("Authorization") is { } authorization
            && authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return authorization[Scheme.Length..].Trim();
        }

        return (cookie.Length > 0 ? InCookie(request, cookie) : null)
            ?? (request.GetQueryValue("token") is { Length: > 0 } token ? token : null);
    }

    private static string? InCookie(UpgradeRequest request, string name)
    {
        // RFC 6265 section 5.4. HTTP/2 sends several lines, which are joined with a comma.
        ReadOnlySpan<char> cookies = request.GetHeader("Cookie");
        foreach (Range part in cookies.SplitAny(';', ','))
        {
            ReadOnlySpan<char> pair = cookies[part].Trim();
            if (pair.StartsWith(name, StringComparison.Ordinal) && pair.Length > name.Length + 1 && pair[name.Length] == '=')
            {
                return pair[(name.Length + 1)..].Trim('"').ToString();
            }
        }

        return null;
    }
}
