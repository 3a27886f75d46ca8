using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.IdentityModel.Tokens;

namespace Weir.Auth.Keys;

/// <summary>Public keys in PEM (RFC 7468), one or several in a text: during a key rotation the old one and the new one.</summary>
internal static class PemKeys
{
    private const string RsaOid = "1.2.840.113549.1.1.1";

    /// <exception cref="KeySourceException">The text has no key, or one that cannot be used.</exception>
    public static IReadOnlyList<VerificationKey> Read(string text, IReadOnlyList<JwtAlgorithm> algorithms)
    {
        List<VerificationKey> keys = [];
        ReadOnlySpan<char> rest = text;
        while (PemEncoding.TryFind(rest, out PemFields fields))
        {
            SecurityKey key = ReadOne(rest[fields.Label].ToString(), rest[fields.Location]);
            VerificationKey usable = VerificationKey.OfPublic(id: null, key, algorithms)!;
            keys.Add(usable.Algorithms.Count > 0
                ? usable
                : throw new KeySourceException(
                    $"a key of {key.KeySize} bits is not usable: RSA needs 2048 bits, elliptic curves are P-256, P-384 and P-521"));
            rest = rest[fields.Location.End..];
        }

        return keys.Count > 0 ? keys : throw new KeySourceException("there is no PEM text in it, such as -----BEGIN PUBLIC KEY-----");
    }

    private static SecurityKey ReadOne(string label, ReadOnlySpan<char> pem)
    {
        if (label.Contains("PRIVATE", StringComparison.Ordinal))
        {
            throw new KeySourceException("it has a private key; a verifier needs only the public key, and should not hold the other");
        }

        try
        {
            switch (label)
            {
                case "PUBLIC KEY":
                    PublicKey key = PublicKey.CreateFromSubjectPublicKeyInfo(Decode(pem), out _);
                    return key.Oid.Value == RsaOid
                        ? new RsaSecurityKey(key.GetRSAPublicKey())
                        : new ECDsaSecurityKey(key.GetECDsaPublicKey()
                            ?? throw new KeySourceException("a key in it is neither RSA nor of an elliptic curve"));
                case "RSA PUBLIC KEY":
                    RSA rsa = RSA.Create();
                    rsa.ImportFromPem(pem);
                    return new RsaSecurityKey(rsa);
                case "CERTIFICATE":
                    return new X509SecurityKey(X509Certificate2.CreateFromPem(pem));
                default:
                    throw new KeySourceException($"a '{label}' is no public key");
            }
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException or FormatException)
        {
            throw new KeySourceException($"its {label} cannot be read", error);
        }
    }

    private static byte[] Decode(ReadOnlySpan<char> pem)
    {
        PemFields fields = PemEncoding.Find(pem);
        return Convert.FromBase64String(pem[fields.Base64Data].ToString());
    }
}
