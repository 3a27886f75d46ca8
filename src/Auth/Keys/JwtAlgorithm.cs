using System.Text;

namespace Weir.Auth.Keys;

/// <summary>The kind of key that an algorithm needs.</summary>
internal enum KeyFamily
{
    /// <summary>A secret shared by issuer and verifier.</summary>
    Secret,

    /// <summary>RSA, with either padding.</summary>
    Rsa,

    /// <summary>A point on the curve that belongs to the algorithm.</summary>
    EllipticCurve,
}

/// <summary>
/// A signature algorithm of RFC 7518 section 3.1, without "none". A key is bound to those of its family when it
/// is loaded, so a token cannot cause a public key to be used as a secret.
/// </summary>
/// <param name="Name">As in a token's <c>alg</c>.</param>
/// <param name="Family">The family of its keys.</param>
/// <param name="LeastKeyBits">Smaller keys are refused: RFC 7518 sections 3.2, 3.3 and 3.4, which names one size only.</param>
internal sealed record JwtAlgorithm(string Name, KeyFamily Family, int LeastKeyBits)
{
    /// <summary>All supported algorithms.</summary>
    public static IReadOnlyList<JwtAlgorithm> All { get; } =
    [
        new("HS256", KeyFamily.Secret, 256),
        new("HS384", KeyFamily.Secret, 384),
        new("HS512", KeyFamily.Secret, 512),
        new("RS256", KeyFamily.Rsa, 2048),
        new("RS384", KeyFamily.Rsa, 2048),
        new("RS512", KeyFamily.Rsa, 2048),
        new("PS256", KeyFamily.Rsa, 2048),
        new("PS384", KeyFamily.Rsa, 2048),
        new("PS512", KeyFamily.Rsa, 2048),
        new("ES256", KeyFamily.EllipticCurve, 256),
        new("ES384", KeyFamily.EllipticCurve, 384),
        new("ES512", KeyFamily.EllipticCurve, 521),
    ];

    private readonly byte[] _utf8 = Encoding.ASCII.GetBytes(Name);

    /// <summary>Finds an algorithm by its case-sensitive name; <c>null</c> if it is not supported.</summary>
    public static JwtAlgorithm? Find(ReadOnlySpan<byte> name)
    {
        foreach (JwtAlgorithm algorithm in All)
        {
            if (name.SequenceEqual(algorithm._utf8))
            {
                return algorithm;
            }
        }

        return null;
    }

    /// <inheritdoc cref="Find(ReadOnlySpan{byte})"/>
    public static JwtAlgorithm? Find(string name) => Find(Encoding.UTF8.GetBytes(name));

    /// <summary>Whether a key of this family and size can be used.</summary>
    public bool Takes(KeyFamily family, int bits)
        => family == Family && (Family == KeyFamily.EllipticCurve ? bits == LeastKeyBits : bits >= LeastKeyBits);
}
