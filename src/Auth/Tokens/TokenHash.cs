using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Weir.Auth.Tokens;

/// <summary>The cache key of a token: its SHA-256, so that no token is kept in memory longer than needed.</summary>
internal readonly record struct TokenHash(ulong A, ulong B, ulong C, ulong D)
{
    public static TokenHash Of(ReadOnlySpan<byte> token)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(token, hash);
        return MemoryMarshal.Read<TokenHash>(hash);
    }
}
