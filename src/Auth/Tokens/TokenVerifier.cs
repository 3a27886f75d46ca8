using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Weir.Auth.Keys;
using Weir.Relay.Access;

namespace Weir.Auth.Tokens;

/// <summary>The result of the evaluation of a token.</summary>
/// <param name="Refusal">Why it is refused; <see cref="AccessRefusal.None"/> if it is valid.</param>
/// <param name="Claims">Its claims; <c>null</c> if it is refused.</param>
/// <param name="NeedsNewerKeys">Whether it is refused because it matches no current key; a newer one may match.</param>
/// <param name="Why">The reason for the operator, from a small set of texts; <c>null</c> if it is valid.</param>
internal readonly record struct TokenResult(
    AccessRefusal Refusal, TokenClaims? Claims = null, bool NeedsNewerKeys = false, string? Why = null)
{
    /// <summary>The result for an invalid token.</summary>
    public static TokenResult Invalid(string why) => new(AccessRefusal.Invalid, Why: why);
}

/// <summary>
/// Evaluates a token (RFC 7519, signed per RFC 7515, in the compact form). Only the key and algorithm that it names are read before
/// its signature is verified. Thread-safe.
/// </summary>
/// <remarks>
/// Keys and signatures are those of Microsoft.IdentityModel. Its own validation composes long error messages: four times as long
/// and forty times the memory for a forged token (bench/Auth/VerifyBenchmarks.cs). The tests compare the two.
/// </remarks>
internal sealed class TokenVerifier(TokenSettings settings, TimeProvider time)
{
    /// <summary>The longest accepted token: the default limit of a request header block.</summary>
    public const int MaxBytes = 16 * 1024;

    private static readonly SearchValues<char> _allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    private readonly TimeSpan _skew = settings.ClockSkew;
    private readonly string[] _issuers = settings.Issuers;
    private readonly string[] _audiences = settings.Audiences;

    /// <summary>Evaluates a token with these keys.</summary>
    public TokenResult Verify(string token, KeySet keys)
    {
        // Up to here the cost is one scan of the characters, whatever the length.
        if (token.Length is 0 or > MaxBytes || token.AsSpan().ContainsAnyExcept(_allowed)
            || !TrySplit(token, out int headerEnd, out int payloadEnd))
        {
            return TokenResult.Invalid(token.Length > MaxBytes ? "too long" : "not three parts of base64url");
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(token.Length * 2);
        try
        {
            int length = Encoding.ASCII.GetBytes(token, buffer);
            TokenHash hash = default;
            if (keys.Cache.IsOn)
            {
                hash = TokenHash.Of(buffer.AsSpan(0, length));
                if (keys.Cache.Find(hash) is { } known)
                {
                    TokenResult again = Evaluate(known);
                    if (again.Refusal != AccessRefusal.None)
                    {
                        keys.Cache.Remove(hash);
                    }

                    return again;
                }
            }

            TokenResult result = VerifySigned(buffer, headerEnd, payloadEnd, length, keys);
            if (result.Claims is { } claims)
            {
                keys.Cache.Add(hash, claims);
            }

            return result;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        }
    }

    // RFC 7515 section 7.1: three parts, each in base64url. An empty signature is that of an unsecured token.
    private static bool TrySplit(string token, out int headerEnd, out int payloadEnd)
    {
        headerEnd = token.IndexOf('.', StringComparison.Ordinal);
        payloadEnd = headerEnd <= 0 ? -1 : token.IndexOf('.', headerEnd + 1);
        return payloadEnd > headerEnd + 1 && payloadEnd < token.Length - 1 && token.IndexOf('.', payloadEnd + 1) < 0;
    }

    // Decoded parts are written after the token, each over the previous one, which is no longer needed.
    private TokenResult VerifySigned(byte[] buffer, int headerEnd, int payloadEnd, int length, KeySet keys)
    {
        if (Base64Url.DecodeFromUtf8(buffer.AsSpan(0, headerEnd), buffer.AsSpan(length), out _,
            out int headerLength) != OperationStatus.Done)
        {
            return TokenResult.Invalid("not three parts of base64url");
        }

        if (TokenHeader.Read(buffer.AsSpan(length, headerLength), out TokenHeader read) is { } complaint)
        {
            return TokenResult.Invalid(complaint);
        }

        ReadOnlySpan<byte> encodedSignature = buffer.AsSpan(payloadEnd + 1, length - payloadEnd - 1);
        if (Base64Url.DecodeFromUtf8(encodedSignature, buffer.AsSpan(length), out _, out int signatureLength) != OperationStatus.Done)
        {
            return TokenResult.Invalid("not three parts of base64url");
        }

        byte[] signature = buffer.AsSpan(length, signatureLength).ToArray();
        bool isKeyThere = false;
        bool isRight = false;
        foreach (VerificationKey key in keys.Keys)
        {
            if (key.Takes(read.Algorithm) && (key.Id is null || read.KeyId is null || key.Id == read.KeyId))
            {
                isKeyThere = true;
                isRight = key.Verify(read.Algorithm, buffer, payloadEnd, signature);
                if (isRight)
                {
                    break;
                }
            }
        }

        if (!isRight)
        {
            return isKeyThere ? TokenResult.Invalid("the signature")
                : TokenResult.Invalid("no key for it") with { NeedsNewerKeys = read.Algorithm.Family != KeyFamily.Secret };
        }

        ReadOnlySpan<byte> payload = buffer.AsSpan(headerEnd + 1, payloadEnd - headerEnd - 1);
        if (Base64Url.DecodeFromUtf8(payload, buffer.AsSpan(length), out _, out int payloadLength) != OperationStatus.Done)
        {
            return TokenResult.Invalid("not three parts of base64url");
        }

        return TokenClaims.Read(buffer.AsMemory(length, payloadLength), out string? why) is { } claims
            ? Evaluate(claims) : TokenResult.Invalid(why!);
    }

    // RFC 7519 sections 4.1.1 and 4.1.3 to 4.1.5. Issuer and audience come first: a foreign token is not to be renewed here when it
    // has expired.
    private TokenResult Evaluate(TokenClaims claims)
    {
        if (_issuers.Length > 0 && !_issuers.Contains(claims.Issuer, StringComparer.Ordinal))
        {
            return TokenResult.Invalid("the issuer");
        }

        // "If the principal processing the claim does not identify itself with a value in the "aud" claim when this claim is
        // present, then the JWT MUST be rejected": also where no audience is configured.
        bool isForUs = claims.Audiences.Count == 0 ? _audiences.Length == 0
            : _audiences.Any(audience => claims.Audiences.Contains(audience, StringComparer.Ordinal));
        if (!isForUs)
        {
            return TokenResult.Invalid("the audience");
        }

        DateTimeOffset now = time.GetUtcNow();
        return claims.NotBefore > now + _skew ? TokenResult.Invalid("not yet valid")
            : claims.ExpiresAt <= now - _skew ? new TokenResult(AccessRefusal.Expired, Why: "expired")
            : new TokenResult(AccessRefusal.None, claims);
    }
}
