using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.Tokens;
using Weir.Auth.Keys;
using Weir.Auth.Tokens;

namespace Weir.Auth.Tests;

/// <summary>Makes tokens, good ones and others, from the text of their parts.</summary>
internal static class TestTokens
{
    public const string Secret = "a secret of at least thirty-two bytes, and then of sixty-four....";

    /// <summary>When all tests take place.</summary>
    public static readonly DateTimeOffset Now = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);

    public static readonly long Soon = Now.AddHours(1).ToUnixTimeSeconds();

    public static readonly RSA Rsa = RSA.Create(2048);

    private static readonly Dictionary<int, ECDsa> _curves = new()
    {
        [256] = ECDsa.Create(ECCurve.NamedCurves.nistP256),
        [384] = ECDsa.Create(ECCurve.NamedCurves.nistP384),
        [512] = ECDsa.Create(ECCurve.NamedCurves.nistP521),
    };

    public static FakeTimeProvider NewClock() => new(Now);

    public static ECDsa CurveOf(string algorithm) => _curves[int.Parse(algorithm[2..], System.Globalization.CultureInfo.InvariantCulture)];

    /// <summary>A token with the claims that are given, as JSON without its braces, and an <c>exp</c> an hour from now.</summary>
    public static string Good(string claims = "\"sub\":\"u1\"", string secret = Secret) => Hs256($"{{{claims},\"exp\":{Soon}}}", secret);

    public static string Hs256(string payload, string secret = Secret) => Make("""{"alg":"HS256","typ":"JWT"}""", payload, "HS256", secret);

    /// <summary>A token with this header, unchecked, signed with that algorithm.</summary>
    public static string Make(string header, string payload, string algorithm, string secret = Secret)
    {
        string text = Encode(Encoding.UTF8.GetBytes(header)) + "." + Encode(Encoding.UTF8.GetBytes(payload));
        return text + "." + Encode(Sign(Encoding.ASCII.GetBytes(text), algorithm, Encoding.UTF8.GetBytes(secret)));
    }

    public static byte[] Sign(byte[] text, string algorithm, byte[] secret)
    {
        HashAlgorithmName hash = new("SHA" + algorithm[2..]);
        return algorithm[..2] switch
        {
            "HS" when algorithm == "HS256" => HMACSHA256.HashData(secret, text),
            "HS" when algorithm == "HS384" => HMACSHA384.HashData(secret, text),
            "HS" => HMACSHA512.HashData(secret, text),
            "RS" => Rsa.SignData(text, hash, RSASignaturePadding.Pkcs1),
            "PS" => Rsa.SignData(text, hash, RSASignaturePadding.Pss),
            _ => CurveOf(algorithm).SignData(text, hash),
        };
    }

    public static string Encode(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);

    /// <summary>Keys for every algorithm.</summary>
    public static KeySet AllKeys(int cacheSize = 0) => new(
        [
            VerificationKey.OfSecret(Encoding.UTF8.GetBytes(Secret), JwtAlgorithm.All),
            VerificationKey.OfPublic(id: null, new RsaSecurityKey(Rsa.ExportParameters(includePrivateParameters: false)),
                JwtAlgorithm.All)!,
            .. _curves.Values.Select(static curve => VerificationKey.OfPublic(id: null, new ECDsaSecurityKey(curve), JwtAlgorithm.All)!),
        ],
        cacheSize);

    public static KeySet OnlySecret(int cacheSize = 0, string secret = Secret)
        => new([VerificationKey.OfSecret(Encoding.UTF8.GetBytes(secret), JwtAlgorithm.All)], cacheSize);

    public static KeySet OnlyRsa() => new([VerificationKey.OfPublic(id: null, new RsaSecurityKey(Rsa), JwtAlgorithm.All)!], cacheSize: 0);
}
