using System.Globalization;
using System.Security.Claims;
using System.Text;
using System.Text.Json;
using Weir.Auth.Tokens;

namespace Weir.Auth;

/// <summary>Converts the claims of an application's principal to those of a token.</summary>
internal static class PrincipalClaims
{
    public static TokenClaims Read(ClaimsPrincipal principal, DateTimeOffset? expiresAt)
    {
        string[] publish = All(principal, "publish");
        return new TokenClaims
        {
            User = principal.FindFirst("sub")?.Value ?? principal.FindFirst(ClaimTypes.NameIdentifier)?.Value ?? "",
            ExpiresAt = expiresAt ?? Date(principal.FindFirst("exp")?.Value),
            Info = principal.FindFirst("info") is { } info ? Json(info.Value) : default,
            Channels = All(principal, "channels"),
            Subscriptions = All(principal, "subs"),
            Publish = publish.Length > 0 ? publish : null,
        };
    }

    private static string[] All(ClaimsPrincipal principal, string type) => [.. principal.FindAll(type).Select(static claim => claim.Value)];

    // An unreadable value must not mean that there is no end.
    private static DateTimeOffset? Date(string? seconds) => seconds is null ? null
        : double.TryParse(seconds, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && NumericDate.TryRead(value, out DateTimeOffset date) ? date
        : throw new InvalidOperationException($"The claim 'exp' {NumericDate.Complaint}.");

    private static byte[] Json(string text)
    {
        try
        {
            using JsonDocument parsed = JsonDocument.Parse(text);
            return Encoding.UTF8.GetBytes(text);
        }
        catch (JsonException error)
        {
            throw new InvalidOperationException("The claim 'info' is not JSON.", error);
        }
    }
}
