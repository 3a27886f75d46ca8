using System.Text.Json;

namespace Weir.Auth.Tokens;

/// <summary>What a token says, of that which is looked at. Immutable.</summary>
internal sealed class TokenClaims
{
    /// <summary><c>sub</c>; empty: nobody in particular.</summary>
    public string User { get; init; } = "";

    /// <summary><c>exp</c>; null only where the application says so itself.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary><c>nbf</c>; null: at any time.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary><c>iss</c>.</summary>
    public string? Issuer { get; init; }

    /// <summary><c>aud</c>, one or several.</summary>
    public IReadOnlyList<string> Audiences { get; init; } = [];

    /// <summary><c>info</c>, as JSON.</summary>
    public ReadOnlyMemory<byte> Info { get; init; }

    /// <summary><c>channels</c>: globs of rooms that it may listen to.</summary>
    public IReadOnlyList<string> Channels { get; init; } = [];

    /// <summary><c>subs</c>: rooms that the server puts it into.</summary>
    public IReadOnlyList<string> Subscriptions { get; init; } = [];

    /// <summary><c>publish</c>: globs of rooms that it may publish to; null: the rooms' rules say.</summary>
    public IReadOnlyList<string>? Publish { get; init; }

    /// <summary><c>channel</c>: the one room that the token is for; null: it is for connecting.</summary>
    public string? Channel { get; init; }

    /// <summary>Reads a payload whose signature was right.</summary>
    /// <returns>Null when it is no object of JSON, a claim has another type than it should have, or <c>exp</c> is missing.</returns>
    public static TokenClaims? Read(ReadOnlyMemory<byte> payload)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(payload, new JsonDocumentOptions { AllowDuplicateProperties = false });
            JsonElement root = json.RootElement;
            return root.ValueKind == JsonValueKind.Object && root.TryGetProperty("exp", out JsonElement expires) ? Read(root, expires) : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null; // its issuer's mistake: it has the key
        }
    }

    private static TokenClaims Read(JsonElement root, JsonElement expires) => new()
    {
        User = Text(root, "sub") ?? "",
        ExpiresAt = Date(expires),
        NotBefore = root.TryGetProperty("nbf", out JsonElement notBefore) ? Date(notBefore) : null,
        Issuer = Text(root, "iss"),
        Audiences = root.TryGetProperty("aud", out JsonElement audience) ? OneOrMore(audience) : [],
        Info = root.TryGetProperty("info", out JsonElement info) ? System.Text.Encoding.UTF8.GetBytes(info.GetRawText()) : default,
        Channels = root.TryGetProperty("channels", out JsonElement channels) ? Texts(channels) : [],
        Subscriptions = root.TryGetProperty("subs", out JsonElement subs) ? [.. subs.EnumerateObject().Select(static sub => sub.Name)] : [],
        Publish = root.TryGetProperty("publish", out JsonElement publish) ? Texts(publish) : null,
        Channel = Text(root, "channel"),
    };

    private static string? Text(JsonElement root, string name) => root.TryGetProperty(name, out JsonElement value) ? TextOf(value) : null;

    private static string TextOf(JsonElement value) => value.GetString() ?? throw new InvalidOperationException("A claim is null.");

    private static IReadOnlyList<string> Texts(JsonElement value) => [.. value.EnumerateArray().Select(TextOf)];

    private static IReadOnlyList<string> OneOrMore(JsonElement value) => value.ValueKind == JsonValueKind.Array ? Texts(value) : [TextOf(value)];

    // RFC 7519 section 2, NumericDate: seconds, possibly with a fraction. Beyond what a date can say is for ever.
    private static DateTimeOffset Date(JsonElement value)
    {
        double seconds = value.GetDouble();
        return seconds >= DateTimeOffset.MaxValue.ToUnixTimeSeconds() ? DateTimeOffset.MaxValue
            : seconds <= 0 ? DateTimeOffset.UnixEpoch
            : DateTimeOffset.UnixEpoch.AddSeconds(seconds);
    }
}
