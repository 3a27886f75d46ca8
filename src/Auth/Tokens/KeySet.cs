using Weir.Auth.Keys;

namespace Weir.Auth.Tokens;

/// <summary>
/// The keys at one time, with the cache of tokens verified with them: a token that other keys would not verify must not be in it.
/// Immutable except for the cache; thread-safe.
/// </summary>
internal sealed class KeySet(IReadOnlyList<VerificationKey> keys, int cacheSize)
{
    public IReadOnlyList<VerificationKey> Keys => keys;

    public TokenCache Cache { get; } = new(cacheSize);
}
