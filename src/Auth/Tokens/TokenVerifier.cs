using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Weir.Auth.Keys;
using Weir.Relay;

namespace Weir.Auth.Tokens;

/// <summary>What became of a token.</summary>
/// <param name="Refusal">Why it is refused; none: it is good.</param>
/// <param name="Claims">What it says; null when it is refused.</param>
/// <param name="NeedsNewerKeys">It is refused because no key there is could be meant: one may have come since.</param>
/// <param name="Why">For the operator, in a few words of a small set; null when it is good.</param>
internal readonly record struct TokenVerdict(
    AccessRefusal Refusal, TokenClaims? Claims = null, bool NeedsNewerKeys = false, string? Why = null)
{
    /// <summary>Not one of ours.</summary>
    public static TokenVerdict Invalid(string why) => new(AccessRefusal.Invalid, Why: why);
}

/// <summary>
/// Judges a token (RFC 7519, signed as RFC 7515 says, in the compact form). Nothing it says is believed, nor even read, before
/// its signature is right, but which key and algorithm it names. Thread-safe.
/// </summary>
/// <remarks>
/// The keys and signatures are those of Microsoft.IdentityModel. Its own validation describes at length what it refuses: four
/// times as long and forty times the memory for a forged token (bench/Auth/VerifyBenchmarks.cs). The tests compare the two.
/// </remarks>
internal sealed class TokenVerifier(JwtOptions options, TimeProvider time)
{
    /// <summary>The longest token looked at: as much as a request head may have by default.</summary>
    public const int MaxBytes = 16 * 1024;

    private static readonly SearchValues<char> _allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    private readonly TimeSpan _skew = options.ClockSkew;
    private readonly string[] _issuers = [.. options.Issuers];
    private readonly string[] _audiences = [.. options.Audiences];

    /// <summary>Judges a token by these keys.</summary>
    public TokenVerdict Verify(string token, KeySet keys)
    {
        // Everything up to here costs no more than one look at the characters, however long it is.
        if (token.Length is 0 or > MaxBytes || token.AsSpan().ContainsAnyExcept(_allowed)
            || !TryCut(token, out int headerEnd, out int payloadEnd))
        {
            return TokenVerdict.Invalid(token.Length > MaxBytes ? "too long" : "not three parts of base64url");
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
                    TokenVerdict again = Judge(known);
                    if (again.Refusal != AccessRefusal.None)
                    {
                        keys.Cache.Remove(hash);
                    }

                    return again;
                }
            }

            TokenVerdict verdict = VerifySigned(buffer, headerEnd, payloadEnd, length, keys);
            if (verdict.Claims is { } claims)
            {
                keys.Cache.Add(hash, claims);
            }

            return verdict;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        }
    }

    // RFC 7515 section 7.1: three parts, each in base64url. An empty signature is that of an unsecured token.
    private static bool TryCut(string token, out int headerEnd, out int payloadEnd)
    {
        headerEnd = token.IndexOf('.', StringComparison.Ordinal);
        payloadEnd = headerEnd <= 0 ? -1 : token.IndexOf('.', headerEnd + 1);
        return payloadEnd > headerEnd + 1 && payloadEnd < token.Length - 1 && token.IndexOf('.', payloadEnd + 1) < 0;
    }

    // The decoded parts go behind the token, each over the one before: none is needed when the next is read.
    private TokenVerdict VerifySigned(byte[] buffer, int headerEnd, int payloadEnd, int length, KeySet keys)
    {
        if (Base64Url.DecodeFromUtf8(buffer.AsSpan(0, headerEnd), buffer.AsSpan(length), out _, out int headerLength) != OperationStatus.Done)
        {
            return TokenVerdict.Invalid("not three parts of base64url");
        }

        if (TokenHeader.Read(buffer.AsSpan(length, headerLength), out TokenHeader read) is { } complaint)
        {
            return TokenVerdict.Invalid(complaint);
        }

        ReadOnlySpan<byte> encodedSignature = buffer.AsSpan(payloadEnd + 1, length - payloadEnd - 1);
        if (Base64Url.DecodeFromUtf8(encodedSignature, buffer.AsSpan(length), out _, out int signatureLength) != OperationStatus.Done)
        {
            return TokenVerdict.Invalid("not three parts of base64url");
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
            return isKeyThere ? TokenVerdict.Invalid("the signature")
                : TokenVerdict.Invalid("no key for it") with { NeedsNewerKeys = read.Algorithm.Family != KeyFamily.Secret };
        }

        ReadOnlySpan<byte> payload = buffer.AsSpan(headerEnd + 1, payloadEnd - headerEnd - 1);
        if (Base64Url.DecodeFromUtf8(payload, buffer.AsSpan(length), out _, out int payloadLength) != OperationStatus.Done)
        {
            return TokenVerdict.Invalid("not three parts of base64url");
        }

        return TokenClaims.Read(buffer.AsMemory(length, payloadLength), out string? why) is { } claims ? Judge(claims) : TokenVerdict.Invalid(why!);
    }

    // RFC 7519 sections 4.1.1 and 4.1.3 to 4.1.5. Who and for whom comes first: an expired token of others is not to be renewed here.
    private TokenVerdict Judge(TokenClaims claims)
    {
        if (_issuers.Length > 0 && !_issuers.Contains(claims.Issuer, StringComparer.Ordinal))
        {
            return TokenVerdict.Invalid("the issuer");
        }

        // "If the principal processing the claim does not identify itself with a value in the "aud" claim when this claim is
        // present, then the JWT MUST be rejected": also where no audience is configured.
        bool isForUs = claims.Audiences.Count == 0 ? _audiences.Length == 0
            : _audiences.Any(audience => claims.Audiences.Contains(audience, StringComparer.Ordinal));
        if (!isForUs)
        {
            return TokenVerdict.Invalid("the audience");
        }

        DateTimeOffset now = time.GetUtcNow();
        return claims.NotBefore > now + _skew ? TokenVerdict.Invalid("not yet valid")
            : claims.ExpiresAt <= now - _skew ? new TokenVerdict(AccessRefusal.Expired, Why: "expired")
            : new TokenVerdict(AccessRefusal.None, claims);
    }
}
