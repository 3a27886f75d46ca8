using System.Text.Json;
using Weir.Auth.Keys;

namespace Weir.Auth.Tokens;

/// <summary>The part of a token that must be read before its signature is known to be right (RFC 7515 section 4).</summary>
/// <param name="Algorithm">How it says that it is signed; one that we take.</param>
/// <param name="KeyId">Which key it says; null: it does not.</param>
internal readonly record struct TokenHeader(JwtAlgorithm Algorithm, string? KeyId)
{
    /// <summary>
    /// Reads it. Keys and certificates in it (<c>jwk</c>, <c>x5c</c>), or where some are to be had (<c>jku</c>, <c>x5u</c>), are
    /// skipped: a token does not say which key to trust.
    /// </summary>
    /// <returns>
    /// Why it is refused; <see langword="null"/>: it is not. It must be an object of JSON, its algorithm one of ours ("none" is
    /// not), and it must not ask for what we do not do: RFC 7515 section 4.1.11, <c>crit</c>, and RFC 7797, <c>b64</c>.
    /// </returns>
    public static string? Read(ReadOnlySpan<byte> json, out TokenHeader header)
    {
        header = default;
        try
        {
            Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = 8 });
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject
                ? ReadMembers(ref reader, out header)
                : "its header is no object";
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return "its header is no JSON"; // the latter: a name or key's id that is not UTF-8, or has half a surrogate pair
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
                return "its header has `crit` or `b64`, which are not taken";
            }

            if (!reader.Read())
            {
                return "its header is no JSON";
            }

            if (!isAlgorithm && !isKeyId)
            {
                reader.Skip();
                continue;
            }

            if (reader.TokenType != JsonTokenType.String)
            {
                return isAlgorithm ? "its header's `alg` is no string" : "its header's `kid` is no string";
            }

            // Said twice it could be read in two ways.
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
                return "an algorithm that is not taken";
            }
        }

        if (algorithm is null)
        {
            return "its header has no `alg`";
        }

        if (reader.TokenType != JsonTokenType.EndObject || reader.Read())
        {
            return "its header is no JSON";
        }

        header = new TokenHeader(algorithm, keyId);
        return null;
    }
}
