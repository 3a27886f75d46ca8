using Microsoft.IdentityModel.Tokens;

namespace Weir.Auth.Keys;

/// <summary>A JSON Web Key Set (RFC 7517). Keys that are not for signatures, or not for us, are left out: issuers put all sorts in there.</summary>
internal static class JwksKeys
{
    /// <summary>More would be a mistake, or somebody who wants every token to be tried with all of them.</summary>
    private const int MostKeys = 32;

    /// <param name="json">The set.</param>
    /// <param name="algorithms">Those that may be used.</param>
    /// <param name="onLeftOut">Told why a key is not used.</param>
    /// <exception cref="KeySourceException">It is no key set, or has no key that can be used.</exception>
    public static IReadOnlyList<VerificationKey> Read(string json, IReadOnlyList<JwtAlgorithm> algorithms, Action<string> onLeftOut)
    {
        JsonWebKeySet set;
        try
        {
            set = new JsonWebKeySet(json);
        }
        catch (ArgumentException error)
        {
            throw new KeySourceException("it is no JSON Web Key Set", error);
        }

        if (set.Keys.Count > MostKeys)
        {
            throw new KeySourceException($"it has {set.Keys.Count} keys; {MostKeys} at most are taken");
        }

        List<VerificationKey> keys = [];
        foreach (JsonWebKey key in set.Keys)
        {
            if (ReadOne(key, algorithms, out string reason) is { } usable)
            {
                keys.Add(usable);
            }
            else
            {
                onLeftOut(reason);
            }
        }

        return keys.Count > 0 ? keys : throw new KeySourceException("it has no key that can be used");
    }

    private static VerificationKey? ReadOne(JsonWebKey key, IReadOnlyList<JwtAlgorithm> algorithms, out string reason)
    {
        if (key.Kty is not (JsonWebAlgorithmsKeyTypes.RSA or JsonWebAlgorithmsKeyTypes.EllipticCurve))
        {
            // A secret in a set that is published is none.
            reason = "its type is neither RSA nor EC";
            return null;
        }

        if (key.Use is { Length: > 0 } and not "sig")
        {
            reason = "it is not for signatures";
            return null;
        }

        // A key that names its algorithm is for that one only.
        IReadOnlyList<JwtAlgorithm> narrowed = key.Alg is { Length: > 0 } alg ? [.. algorithms.Where(algorithm => algorithm.Name == alg)] : algorithms;
        if (!JsonWebKeyConverter.TryConvertToSecurityKey(key, out SecurityKey converted)
            || VerificationKey.OfPublic(key.Kid is { Length: > 0 } id ? id : null, converted, narrowed) is not { } usable)
        {
            reason = "it cannot be read";
            return null;
        }

        reason = "it fits none of the algorithms";
        return usable.Algorithms.Count > 0 ? usable : null;
    }
}
