using System.Text.Json;
using Weir.Auth.Keys;

namespace Weir.Auth.Tokens;

/// <summary>The part of a token that must be read before its signature is known to be right (RFC 7515 section 4).</summary>
/// <param name="Algorithm">How it says that it is signed; one that we take.</param>
/// <param name="KeyId">Which key it says; null: it does not.</param>
internal readonly record struct TokenHeader(JwtAlgorithm Algorithm, string? KeyId)
{
    /// <summary>Larger ones are refused: an algorithm, a key's id and a type need less than a tenth of it.</summary>
    public const int MaxBytes = 1024;

    /// <returns>
    /// False when it is no flat JSON object, its algorithm is none of ours ("none" is not), or it asks for what we do not do:
    /// RFC 7515 section 4.1.11, <c>crit</c>, and RFC 7797, <c>b64</c>.
    /// </returns>
    public static bool TryRead(ReadOnlySpan<byte> json, out TokenHeader header)
    {
        header = default;
        try
        {
            Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = 8 });
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject && TryReadMembers(ref reader, out header);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool TryReadMembers(ref Utf8JsonReader reader, out TokenHeader header)
    {
        JwtAlgorithm? algorithm = null;
        string? keyId = null;
        header = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isAlgorithm = reader.ValueTextEquals("alg"u8);
            bool isKeyId = reader.ValueTextEquals("kid"u8);
            if (reader.ValueTextEquals("crit"u8) || reader.ValueTextEquals("b64"u8) || !reader.Read())
            {
                return false;
            }

            if (isAlgorithm || isKeyId)
            {
                // Said twice it could be read in two ways.
                if (reader.TokenType != JsonTokenType.String || (isAlgorithm ? algorithm is not null : keyId is not null))
                {
                    return false;
                }

                if (isKeyId)
                {
                    keyId = reader.GetString();
                }
                else
                {
                    algorithm = reader.HasValueSequence || reader.ValueIsEscaped ? null : JwtAlgorithm.Find(reader.ValueSpan);
                    if (algorithm is null)
                    {
                        return false;
                    }
                }
            }
            else
            {
                reader.Skip();
            }
        }

        if (algorithm is null || reader.TokenType != JsonTokenType.EndObject || reader.Read())
        {
            return false;
        }

        header = new TokenHeader(algorithm, keyId);
        return true;
    }
}
