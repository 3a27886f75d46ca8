using System.Collections.Concurrent;

namespace Weir.Auth.Tokens;

/// <summary>
/// Verified tokens: a reconnecting client presents the same one, and an RSA signature costs as much as a whole handshake. Only
/// valid tokens are added, so invalid ones do not evict any. Bounded: of two halves the older one is dropped when the younger is
/// full. Thread-safe. Measured in bench/Auth/VerifyBenchmarks.cs.
/// </summary>
/// <param name="capacity">The maximum number of tokens; 0: no cache.</param>
internal sealed class TokenCache(int capacity)
{
    private readonly Lock _gate = new();
    private ConcurrentDictionary<TokenHash, TokenClaims> _young = new();
    private ConcurrentDictionary<TokenHash, TokenClaims> _old = new();
    private int _youngCount;

    /// <summary>Whether the cache is enabled.</summary>
    public bool IsOn => capacity > 0;

    /// <summary>The number of tokens.</summary>
    public int Count => _young.Count + _old.Count;

    /// <summary>Gets the claims of a token that was verified before; the caller checks its expiry.</summary>
    public TokenClaims? Find(in TokenHash hash)
    {
        if (_young.TryGetValue(hash, out TokenClaims? claims))
        {
            return claims;
        }

        if (_old.TryGetValue(hash, out claims))
        {
            Add(hash, claims); // still in use: it stays when the older half is dropped
        }

        return claims;
    }

    public void Add(in TokenHash hash, TokenClaims claims)
    {
        if (!IsOn || !_young.TryAdd(hash, claims) || Interlocked.Increment(ref _youngCount) < Math.Max(1, capacity / 2))
        {
            return;
        }

        lock (_gate)
        {
            if (_youngCount >= Math.Max(1, capacity / 2))
            {
                _old = _young;
                _young = new ConcurrentDictionary<TokenHash, TokenClaims>();
                _youngCount = 0;
            }
        }
    }

    /// <summary>Removes a token that is no longer valid.</summary>
    public void Remove(in TokenHash hash)
    {
        _old.TryRemove(hash, out _);
        if (_young.TryRemove(hash, out _))
        {
            Interlocked.Decrement(ref _youngCount);
        }
    }
}
