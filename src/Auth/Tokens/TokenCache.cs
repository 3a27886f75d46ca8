using System.Collections.Concurrent;

namespace Weir.Auth.Tokens;

/// <summary>
/// Tokens that were verified: a client that comes back brings the same one, and an RSA signature costs as much as a whole
/// handshake. Only good tokens get in, so garbage pushes nobody out. Bounded: of two halves the older one is dropped when the
/// younger is full. Thread-safe. bench/Auth/VerifyBenchmarks.cs pays for it.
/// </summary>
/// <param name="capacity">The most tokens kept; 0: none.</param>
internal sealed class TokenCache(int capacity)
{
    private readonly Lock _gate = new();
    private ConcurrentDictionary<TokenHash, TokenClaims> _young = new();
    private ConcurrentDictionary<TokenHash, TokenClaims> _old = new();
    private int _youngCount;

    /// <summary>Whether anything is kept at all.</summary>
    public bool IsOn => capacity > 0;

    /// <summary>Tokens in it.</summary>
    public int Count => _young.Count + _old.Count;

    /// <summary>The claims of a token that was verified before; whether it has expired is the caller's to see.</summary>
    public TokenClaims? Find(in TokenHash hash)
    {
        if (_young.TryGetValue(hash, out TokenClaims? claims))
        {
            return claims;
        }

        if (_old.TryGetValue(hash, out claims))
        {
            Add(hash, claims); // still in use: it stays when the older half goes
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

    /// <summary>Forgets a token that is not good any more.</summary>
    public void Remove(in TokenHash hash)
    {
        _old.TryRemove(hash, out _);
        if (_young.TryRemove(hash, out _))
        {
            Interlocked.Decrement(ref _youngCount);
        }
    }
}
