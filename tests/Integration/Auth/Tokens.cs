using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Weir.Integration.Auth;

/// <summary>Makes tokens as an issuer does.</summary>
internal static class Tokens
{
    public const string Secret = "the secret of the integration tests";

    /// <summary>Seconds since 1970, so many from now.</summary>
    public static long In(double seconds) => TimeProvider.System.GetUtcNow().AddSeconds(seconds).ToUnixTimeSeconds();

    /// <summary>
    /// A token by HS256 with these claims, JSON without its braces; without an <c>exp</c> among them it holds for an hour.
    /// </summary>
    public static string Make(string claims, string header = """{"alg":"HS256"}""", string secret = Secret)
        => Sign(header, claims, text => HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), text));

    /// <summary>A token by RS256.</summary>
    public static string Make(string claims, RSA key, string keyId)
        => Sign($$"""{"alg":"RS256","kid":"{{keyId}}"}""", claims,
            text => key.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

    /// <summary>A key set with the public halves.</summary>
    public static string KeySet(params (RSA Key, string Id)[] keys) => "{\"keys\":[" + string.Join(',', keys.Select(static pair =>
    {
        RSAParameters key = pair.Key.ExportParameters(includePrivateParameters: false);
        return $$"""{"kty":"RSA","use":"sig","kid":"{{pair.Id}}","n":"{{Base64Url.EncodeToString(key.Modulus)}}","e":"{{Base64Url.EncodeToString(key.Exponent)}}"}""";
    })) + "]}";

    private static string Sign(string header, string claims, Func<byte[], byte[]> sign)
    {
        string exp = claims.Contains("\"exp\"", StringComparison.Ordinal) ? "" : $"{(claims.Length > 0 ? "," : "")}\"exp\":{In(3600)}";
        string text = Encode(header) + "." + Encode($"{{{claims}{exp}}}");
        return text + "." + Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(text)));
    }

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
