using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace Weir.Auth.Keys;

/// <summary>
/// A JSON Web Key Set (RFC 7517) as issuers send it. Members are independent: one that is damaged, or not usable here, is left out
/// without affecting the others. Numbers are accepted with or without leading zero bytes and in either alphabet of base64.
/// </summary>
internal static class JwksKeys
{
    /// <summary>The maximum number of keys: a token that names no key is tried with all of them.</summary>
    private const int MostKeys = 32;

    // OpenSSL does not verify with larger keys.
    private const int MostRsaBits = 16 * 1024;

    /// <param name="json">The set.</param>
    /// <param name="algorithms">The permitted algorithms.</param>
    /// <param name="onLeftOut">Called with each member that is not used, and the reason.</param>
    /// <exception cref="KeySourceException">The text is not a key set, or has no usable key.</exception>
    public static IReadOnlyList<VerificationKey> Read(string json, IReadOnlyList<JwtAlgorithm> algorithms, Action<LeftOutKey> onLeftOut)
    {
        using JsonDocument set = Parse(json);
        if (set.RootElement.ValueKind != JsonValueKind.Object
            || !set.RootElement.TryGetProperty("keys", out JsonElement members)
            || members.ValueKind != JsonValueKind.Array)
        {
            throw new KeySourceException("it is not a JSON Web Key Set: an object with an array `keys`");
        }

        List<VerificationKey> keys = [];
        int index = 0;
        foreach (JsonElement member in members.EnumerateArray())
        {
            string reason = $"{MostKeys} keys are in use already";
            if (keys.Count < MostKeys && ReadOne(member, algorithms, out reason) is { } usable)
            {
                keys.Add(usable);
            }
            else
            {
                onLeftOut(new LeftOutKey(NameOf(member, index), reason));
            }

            index++;
        }

        return keys.Count > 0 ? keys : throw new KeySourceException("it has no key that can be used");
    }

    private static JsonDocument Parse(string json)
    {
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException error)
        {
            throw new KeySourceException("it is not JSON", error);
        }
    }

    private static VerificationKey? ReadOne(JsonElement member, IReadOnlyList<JwtAlgorithm> algorithms, out string reason)
    {
        try
        {
            (string? id, SecurityKey key, IReadOnlyList<JwtAlgorithm> narrowed) = ReadOne(member, algorithms);
            VerificationKey? usable = VerificationKey.OfPublic(id, key, narrowed);
            reason = $"a key of {key.KeySize} bits fits none of the algorithms that it may be used with";
            return usable?.Algorithms.Count > 0 ? usable : null;
        }
        catch (KeySourceException error)
        {
            reason = error.Message;
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException or InvalidOperationException
            or NotSupportedException)
        {
            reason = "its numbers do not form a key: " + error.Message;
        }

        return null;
    }

    private static (string? Id, SecurityKey Key, IReadOnlyList<JwtAlgorithm> Algorithms) ReadOne(
        JsonElement member, IReadOnlyList<JwtAlgorithm> algorithms)
    {
        if (member.ValueKind != JsonValueKind.Object)
        {
            throw new KeySourceException($"it is {JsonKind.Of(member)}, not an object");
        }

        string type = Text(member, "kty") ?? throw new KeySourceException("it has no `kty`");
        if (Text(member, "use") is { Length: > 0 } use && use != "sig")
        {
            throw new KeySourceException("its `use` is not `sig`");
        }

        // RFC 7517 section 4.3.
        if (member.TryGetProperty("key_ops", out JsonElement operations) && operations.ValueKind == JsonValueKind.Array
            && !operations.EnumerateArray().Any(
                static operation => operation.ValueKind == JsonValueKind.String && operation.ValueEquals("verify")))
        {
            throw new KeySourceException("its `key_ops` have no `verify`");
        }

        if (member.TryGetProperty("d", out _))
        {
            throw new KeySourceException("it contains its private part, `d`, which can issue tokens");
        }

        // A key that names its algorithm is used with that one only.
        IReadOnlyList<JwtAlgorithm> narrowed = algorithms;
        if (Text(member, "alg") is { Length: > 0 } name)
        {
            narrowed = [.. algorithms.Where(algorithm => algorithm.Name == name)];
            if (narrowed.Count == 0)
            {
                throw new KeySourceException("its `alg` is not accepted");
            }
        }

        SecurityKey key = type switch
        {
            "RSA" => member.TryGetProperty("n", out _) ? Rsa(member) : OfCertificate(member, type),
            "EC" => member.TryGetProperty("x", out _) ? Curve(member) : OfCertificate(member, type),
            "oct" => throw new KeySourceException("its `kty` is `oct`: a secret does not belong in a set of public keys"),
            _ => throw new KeySourceException("its `kty` is neither `RSA` nor `EC`"),
        };
        return (Text(member, "kid") is { Length: > 0 } id ? id : null, key, narrowed);
    }

    // RFC 7518 section 6.3.1.1: "implementers have found that some cryptographic libraries prefix an extra zero-valued octet".
    private static RsaSecurityKey Rsa(JsonElement member)
    {
        byte[] modulus = Number(member, "n");
        byte[] exponent = Number(member, "e");
        if (modulus.Length > MostRsaBits / 8)
        {
            throw new KeySourceException($"its `n` has more than {MostRsaBits} bits");
        }

        // With an exponent of 1 each text is its own signature; an even one has no inverse.
        return exponent is [] or [1] || (exponent[^1] & 1) == 0
            ? throw new KeySourceException("its `e` must be odd, and at least 3")
            : new RsaSecurityKey(RSA.Create(new RSAParameters { Modulus = modulus, Exponent = exponent }));
    }

    // RFC 7518 section 6.2.1.2: as long as the curve's field; shorter where an issuer drops zeros. The import checks that
    // the point is on the curve.
    private static ECDsaSecurityKey Curve(JsonElement member)
    {
        (ECCurve curve, int bytes) = Text(member, "crv") switch
        {
            "P-256" => (ECCurve.NamedCurves.nistP256, 32),
            "P-384" => (ECCurve.NamedCurves.nistP384, 48),
            "P-521" => (ECCurve.NamedCurves.nistP521, 66),
            _ => throw new KeySourceException("its `crv` is not P-256, P-384 or P-521"),
        };
        ECPoint point = new() { X = Coordinate(member, "x", bytes), Y = Coordinate(member, "y", bytes) };
        return new ECDsaSecurityKey(ECDsa.Create(new ECParameters { Curve = curve, Q = point }));
    }

    private static byte[] Coordinate(JsonElement member, string name, int bytes)
    {
        byte[] number = Number(member, name);
        if (number.Length > bytes)
        {
            throw new KeySourceException($"its `{name}` is longer than the curve's {bytes} bytes");
        }

        byte[] padded = new byte[bytes];
        number.CopyTo(padded, bytes - number.Length);
        return padded;
    }

    // RFC 7517 section 4.7: the first certificate is the key's own. The rest of the chain is not used: trust
    // comes from the source of the set.
    private static SecurityKey OfCertificate(JsonElement member, string type)
    {
        if (!member.TryGetProperty("x5c", out JsonElement chain) || chain.ValueKind != JsonValueKind.Array || chain.GetArrayLength() == 0)
        {
            throw new KeySourceException(type == "RSA" ? "it has neither `n` and `e` nor `x5c`" : "it has neither `x` and `y` nor `x5c`");
        }

        if (chain[0].ValueKind != JsonValueKind.String)
        {
            throw new KeySourceException("its `x5c` is not a list of certificates");
        }

        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(Decode(chain[0].GetString()!, "x5c"));
        if (type == "RSA" && certificate.GetRSAPublicKey() is { } rsa)
        {
            return new RsaSecurityKey(rsa);
        }

        return type == "EC" && certificate.GetECDsaPublicKey() is { } curve ? new ECDsaSecurityKey(curve)
            : throw new KeySourceException("the certificate in its `x5c` is for a key of another type");
    }

    // Without leading zeros.
    private static byte[] Number(JsonElement member, string name)
    {
        string text = Text(member, name) ?? throw new KeySourceException($"it has no `{name}`");
        ReadOnlySpan<byte> number = Decode(text, name);
        return number.TrimStart((byte)0).ToArray();
    }

    private static byte[] Decode(string text, string name)
    {
        try
        {
            // The standard alphabet and padding are common mistakes; Convert skips white space.
            string standard = text.Replace('-', '+').Replace('_', '/').TrimEnd('=', ' ', '\r', '\n', '\t');
            return Convert.FromBase64String(standard.PadRight((standard.Length + 3) / 4 * 4, '='));
        }
        catch (FormatException error)
        {
            throw new KeySourceException($"its `{name}` is not base64url", error);
        }
    }

    private static string? Text(JsonElement member, string name) => !member.TryGetProperty(name, out JsonElement value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw new KeySourceException($"its `{name}` is {JsonKind.Of(value)}, not a string");

    private static string NameOf(JsonElement member, int index)
        => member.ValueKind == JsonValueKind.Object && member.TryGetProperty("kid", out JsonElement id)
            && id.ValueKind is JsonValueKind.String or JsonValueKind.Number
            ? $"kid {id.GetRawText()}"
            : $"number {index + 1}, without a kid";
}
