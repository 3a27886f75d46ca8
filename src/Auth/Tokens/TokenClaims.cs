using System.Text.Json;
using System.Text.Unicode;
using Weir.Auth.Keys;

namespace Weir.Auth.Tokens;

/// <summary>The claims of a token that are used. Immutable.</summary>
internal sealed class TokenClaims
{
    /// <summary><c>sub</c>; empty: no user.</summary>
    public string User { get; init; } = "";

    /// <summary><c>exp</c>; <c>null</c> only if the application sets it.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary><c>nbf</c>; <c>null</c>: at any time.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary><c>iss</c>.</summary>
    public string? Issuer { get; init; }

    /// <summary><c>aud</c>, one or several.</summary>
    public IReadOnlyList<string> Audiences { get; init; } = [];

    /// <summary><c>info</c>, as JSON.</summary>
    public ReadOnlyMemory<byte> Info { get; init; }

    /// <summary><c>channels</c>: globs of rooms that it may subscribe to.</summary>
    public IReadOnlyList<string> Channels { get; init; } = [];

    /// <summary><c>subs</c>: rooms that the server subscribes it to.</summary>
    public IReadOnlyList<string> Subscriptions { get; init; } = [];

    /// <summary><c>publish</c>: globs of rooms that it may publish to; <c>null</c>: the rooms' rules apply.</summary>
    public IReadOnlyList<string>? Publish { get; init; }

    /// <summary><c>channel</c>: the one room that the token is for; <c>null</c>: it is for connecting.</summary>
    public string? Channel { get; init; }

    /// <summary>Reads a payload whose signature was valid.</summary>
    /// <param name="payload">JSON, as it was signed.</param>
    /// <param name="why">
    /// The invalid claim and the reason, without its value; <see langword="null"/> if all are valid.
    /// </param>
    /// <returns><see langword="null"/> if it is not a JSON object, a claim has the wrong type, or <c>exp</c> is missing.</returns>
    public static TokenClaims? Read(ReadOnlyMemory<byte> payload, out string? why)
    {
        if (!Utf8.IsValid(payload.Span))
        {
            why = "its claims are not UTF-8";
            return null;
        }

        try
        {
            using JsonDocument json = JsonDocument.Parse(payload, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                why = $"its claims are {JsonKind.Of(json.RootElement)}, not an object";
                return null;
            }

            ClaimReader reader = new(json.RootElement);
            TokenClaims claims = new()
            {
                User = reader.Text("sub") ?? "",
                ExpiresAt = reader.Date("exp"),
                NotBefore = reader.Date("nbf"),
                Issuer = reader.Text("iss"),
                Audiences = reader.OneOrMore("aud"),
                Info = reader.Raw("info"),
                Channels = reader.Texts("channels") ?? [],
                Subscriptions = reader.Names("subs"),
                Publish = reader.Texts("publish"),
                Channel = reader.Text("channel"),
            };
            reader.Date("iat"); // not used, but a unit that is wrong here is wrong elsewhere too
            why = reader.Complaint ?? (claims.ExpiresAt is null ? "it has no `exp`" : null);
            return why is null ? claims : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // A mistake of the issuer, which has the key. The latter: a name with half a surrogate pair, written as an escape.
            why = "its claims are not JSON, or one occurs twice";
            return null;
        }
    }
}
