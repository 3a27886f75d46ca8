using System.Text;
using Microsoft.Extensions.Time.Testing;
using Weir.Auth.Tokens;
using Weir.Relay.Access;
using Xunit;
using static Weir.Auth.Tests.TestTokens;

namespace Weir.Auth.Tests.Tokens;

public sealed class TokenCacheTests
{
    private readonly FakeTimeProvider _time = NewClock();

    [Fact]
    public void GoodToken_IsVerifiedOnce()
    {
        TokenVerifier verifier = new(new JwtOptions().ToSettings(), _time);
        KeySet keys = OnlySecret(cacheSize: 10);
        string token = Good();

        TokenClaims? first = verifier.Verify(token, keys).Claims;

        Assert.NotNull(first);
        Assert.Same(first, verifier.Verify(token, keys).Claims);
        Assert.Equal(1, keys.Cache.Count);
    }

    [Fact]
    public void BadTokens_EvictNoOtherToken()
    {
        TokenVerifier verifier = new(new JwtOptions().ToSettings(), _time);
        KeySet keys = OnlySecret(cacheSize: 10);
        verifier.Verify(Good(), keys);

        for (int i = 0; i < 100; i++)
        {
            verifier.Verify(Good($"\"sub\":\"{i}\"", secret: "somebody else's secret, of a good length"), keys);
            verifier.Verify(Hs256($$"""{"sub":"{{i}}","exp":1}"""), keys);
        }

        Assert.Equal(1, keys.Cache.Count);
    }

    [Fact]
    public void KnownToken_ExpiresAllTheSame()
    {
        TokenVerifier verifier = new(new JwtOptions { ClockSkew = TimeSpan.Zero }.ToSettings(), _time);
        KeySet keys = OnlySecret(cacheSize: 10);
        string token = Good();
        Assert.Equal(AccessRefusal.None, verifier.Verify(token, keys).Refusal);

        _time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromSeconds(1));
        Assert.Equal(AccessRefusal.None, verifier.Verify(token, keys).Refusal);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(AccessRefusal.Expired, verifier.Verify(token, keys).Refusal);
        Assert.Equal(0, keys.Cache.Count);
        Assert.Equal(AccessRefusal.Expired, verifier.Verify(token, keys).Refusal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(1000)]
    public void Size_IsBounded_AndWhatIsUsedStays(int capacity)
    {
        TokenCache cache = new(capacity);
        TokenClaims regular = new();
        for (int i = 0; i < capacity * 5; i++)
        {
            cache.Add(HashOf($"{i}"), new TokenClaims());
            Assert.InRange(cache.Count, 0, capacity + 1);
            if (capacity > 1)
            {
                if (i == 0)
                {
                    cache.Add(HashOf("regular"), regular);
                }

                Assert.Same(regular, cache.Find(HashOf("regular")));
            }
        }
    }

    [Fact]
    public void Zero_KeepsNothing()
    {
        TokenCache cache = new(0);

        cache.Add(HashOf("x"), new TokenClaims());

        Assert.False(cache.IsOn);
        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public async Task ManyThreads_StayWithinTheBound()
    {
        const int Capacity = 100;
        TokenCache cache = new(Capacity);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            for (int i = 0; i < 5_000; i++)
            {
                TokenHash hash = HashOf($"{thread}:{i % 300}");
                if (cache.Find(hash) is null)
                {
                    cache.Add(hash, new TokenClaims());
                }

                if (i % 7 == 0)
                {
                    cache.Remove(hash);
                }
            }
        })));

        Assert.InRange(cache.Count, 1, Capacity + 8); // a thread may be between its add and the count of it
    }

    private static TokenHash HashOf(string text) => TokenHash.Of(Encoding.UTF8.GetBytes(text));
}
