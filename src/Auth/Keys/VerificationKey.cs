using Microsoft.IdentityModel.Tokens;

namespace Weir.Auth.Keys;

/// <summary>A key for verifying signatures, with a provider for each algorithm that it supports. Thread-safe.</summary>
internal sealed class VerificationKey
{
    private readonly Dictionary<JwtAlgorithm, SignatureProvider> _providers = [];
    private readonly int _signatureBytes;

    private VerificationKey(string? id, SecurityKey key, KeyFamily family, int bits, IEnumerable<JwtAlgorithm> algorithms)
    {
        Id = id;
        // A separate one without a cache: providers live exactly as long as the key.
        CryptoProviderFactory factory = new() { CacheSignatureProviders = false };
        foreach (JwtAlgorithm algorithm in algorithms)
        {
            if (algorithm.Takes(family, bits))
            {
                _providers[algorithm] = factory.CreateForVerifying(key, algorithm.Name, cacheProvider: false);
            }
        }

        _signatureBytes = family switch
        {
            KeyFamily.Rsa => (bits + 7) / 8,
            KeyFamily.EllipticCurve => (bits + 7) / 8 * 2, // RFC 7518 section 3.4: R and S, each as long as the curve
            _ => 0, // as long as the algorithm's hash
        };
    }

    /// <summary>Its <c>kid</c>; <c>null</c> if it has none, and is tried with every token.</summary>
    public string? Id { get; }

    /// <summary>The algorithms that it is used with; empty if it is unusable.</summary>
    public IReadOnlyCollection<JwtAlgorithm> Algorithms => _providers.Keys;

    /// <summary>Creates a key from a secret shared by issuer and verifier.</summary>
    public static VerificationKey OfSecret(byte[] secret, IEnumerable<JwtAlgorithm> algorithms)
        => new(id: null, new SymmetricSecurityKey(secret), KeyFamily.Secret, secret.Length * 8, algorithms);

    /// <summary>Creates a key from a public key, RSA or elliptic curve, or a certificate of one; <c>null</c> for others.</summary>
    public static VerificationKey? OfPublic(string? id, SecurityKey key, IEnumerable<JwtAlgorithm> algorithms) => key switch
    {
        X509SecurityKey { PublicKey: System.Security.Cryptography.RSA rsa } => OfPublic(id, new RsaSecurityKey(rsa), algorithms),
        X509SecurityKey { PublicKey: System.Security.Cryptography.ECDsa curve } => OfPublic(id, new ECDsaSecurityKey(curve), algorithms),
        RsaSecurityKey => new VerificationKey(id, key, KeyFamily.Rsa, key.KeySize, algorithms),
        ECDsaSecurityKey => new VerificationKey(id, key, KeyFamily.EllipticCurve, key.KeySize, algorithms),
        _ => null,
    };

    /// <summary>Whether it supports the algorithm.</summary>
    public bool Takes(JwtAlgorithm algorithm) => _providers.ContainsKey(algorithm);

    /// <summary>Whether the signature of the text is valid under this key.</summary>
    /// <param name="algorithm">One that the key <see cref="Takes"/>.</param>
    /// <param name="buffer">Begins with the text.</param>
    /// <param name="textLength">The length of the text.</param>
    /// <param name="signature">
    /// The signature, in an array of its own: providers ignore an offset (findings/identitymodel-verify-ignores-signature-offset.sh).
    /// </param>
    public bool Verify(JwtAlgorithm algorithm, byte[] buffer, int textLength, byte[] signature)
    {
        int expected = _signatureBytes > 0 ? _signatureBytes : algorithm.LeastKeyBits / 8; // an HMAC is as long as its least key
        return signature.Length == expected && _providers[algorithm].Verify(buffer, 0, textLength, signature, 0, signature.Length);
    }
}
