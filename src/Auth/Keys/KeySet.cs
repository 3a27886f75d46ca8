using Weir.Auth.Tokens;

namespace Weir.Auth.Keys;

/// <summary>
/// The keys of one moment, with the tokens that were verified under them: what another set of keys would not verify must not
/// be found in a cache. Immutable but for that cache; thread-safe.
/// </summary>
internal sealed class KeySet(IReadOnlyList<VerificationKey> keys, int cacheSize)
{
    public IReadOnlyList<VerificationKey> Keys => keys;

    public TokenCache Cache { get; } = new(cacheSize);
}
