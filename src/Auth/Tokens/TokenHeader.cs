using System.Text.Json;
using Weir.Auth.Keys;

namespace Weir.Auth.Tokens;

/// <summary>The part of a token that must be read before its signature is verified (RFC 7515 section 4).</summary>
/// <param name="Algorithm">The stated algorithm, which is a supported one.</param>
/// <param name="KeyId">The stated key id; <c>null</c> if it is absent.</param>
internal readonly record struct TokenHeader(JwtAlgorithm Algorithm, string? KeyId)
{
    /// <summary>
    /// Reads it. Keys and certificates in it (<c>jwk</c>, <c>x5c</c>), or URLs of them (<c>jku</c>, <c>x5u</c>), are skipped: a
    /// token does not decide which key is trusted.
    /// </summary>
    /// <returns>
    /// Why it is refused; <see langword="null"/> if it is not. It must be a JSON object with a supported algorithm ("none" is not),
    /// and must not require unsupported features: RFC 7515 section 4.1.11, <c>crit</c>, and RFC 7797, <c>b64</c>.
    /// </returns>
    public static string? Read(ReadOnlySpan<byte> json, out TokenHeader header)
    {
        header = default;
        try
        {
            Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = 8 });
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject
                ? ReadMembers(ref reader, out header)
                : "its header is not an object";
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return "its header is not JSON"; // the latter: a name or key's id that is not UTF-8, or has half a surrogate pair
        }
    }

    private static string? ReadMembers(ref Utf8JsonReader reader, out TokenHeader header)
    {
        JwtAlgorithm? algorithm = null;
        string? keyId = null;
        header = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isAlgorithm = reader.ValueTextEquals("alg"u8);
            bool isKeyId = reader.ValueTextEquals("kid"u8);
            if (reader.ValueTextEquals("crit"u8) || reader.ValueTextEquals("b64"u8))
            {
                return "its header has `crit` or `b64`, which are not supported";
            }

            if (!reader.Read())
            {
                return "its header is not JSON";
            }

            if (!isAlgorithm && !isKeyId)
            {
                reader.Skip();
                continue;
            }

            if (reader.TokenType != JsonTokenType.String)
            {
                return isAlgorithm ? "its header's `alg` is not a string" : "its header's `kid` is not a string";
            }

            // A duplicate would be ambiguous.
            if (isAlgorithm ? algorithm is not null : keyId is not null)
            {
                return isAlgorithm ? "its header has `alg` twice" : "its header has `kid` twice";
            }

            if (isKeyId)
            {
                keyId = reader.GetString();
                continue;
            }

            algorithm = reader.HasValueSequence || reader.ValueIsEscaped ? null : JwtAlgorithm.Find(reader.ValueSpan);
            if (algorithm is null)
            {
                return "an algorithm that is not accepted";
            }
        }

        if (algorithm is null)
        {
            return "its header has no `alg`";
        }

        if (reader.TokenType != JsonTokenType.EndObject || reader.Read())
        {
            return "its header is not JSON";
        }

        header = new TokenHeader(algorithm, keyId);
        return null;
    }
}
