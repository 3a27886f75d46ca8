using System.Text;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Weir.Auth.Keys;
using Weir.Auth.Tokens;
using Weir.Relay.Access;
using Xunit;
using static Weir.Auth.Tests.TestTokens;

namespace Weir.Auth.Tests.Tokens;

/// <summary>Compared with the validation of Microsoft.IdentityModel: what is taken here, it takes too.</summary>
public sealed class DifferentialTests
{
    private static readonly KeySet _keys = AllKeys();

    private static readonly TokenValidationParameters _theirs = new()
    {
        ValidIssuer = "me",
        ValidAudience = "weir",
        IssuerSigningKeys =
        [
            new SymmetricSecurityKey(Encoding.UTF8.GetBytes(Secret)),
            new RsaSecurityKey(Rsa),
            new ECDsaSecurityKey(CurveOf("ES256")),
            new ECDsaSecurityKey(CurveOf("ES384")),
            new ECDsaSecurityKey(CurveOf("ES512")),
        ],
        ClockSkew = TimeSpan.FromSeconds(30),
        LifetimeValidator = static (notBefore, expires, _, parameters) =>
            expires + parameters.ClockSkew > Now.UtcDateTime && (notBefore is null || notBefore - parameters.ClockSkew <= Now.UtcDateTime),
    };

    private readonly TokenVerifier _ours =
        new(new JwtOptions { Issuers = ["me"], Audiences = ["weir"], ClockSkew = TimeSpan.FromSeconds(30) }.ToSettings(), NewClock());

    public static TheoryData<string> Algorithms { get; } = [.. JwtAlgorithm.All.Select(static algorithm => algorithm.Name)];

    [Theory]
    [MemberData(nameof(Algorithms))]
    public async Task TheirTokens_AreTaken(string algorithm)
    {
        SecurityKey key = algorithm[0] switch
        {
            'H' => new SymmetricSecurityKey(Encoding.UTF8.GetBytes(Secret)),
            'E' => new ECDsaSecurityKey(CurveOf(algorithm)),
            _ => new RsaSecurityKey(Rsa),
        };
        string token = new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(
            $$"""{"iss":"me","aud":"weir","sub":"u1","exp":{{Soon}}}""", new SigningCredentials(key, algorithm));

        Assert.True(await IsTakenByThemAsync(token));
        Assert.Equal(AccessRefusal.None, _ours.Verify(token, _keys).Refusal);
    }

    [Theory]
    [InlineData("HS256", 1)]
    [InlineData("RS256", 2)]
    [InlineData("PS384", 3)]
    [InlineData("ES256", 4)]
    public async Task Mutations_HaveTheSameResult(string algorithm, int seed)
    {
        string good = Make($$"""{"alg":"{{algorithm}}","typ":"JWT"}""", $$"""{"iss":"me","aud":"weir","sub":"u1","exp":{{Soon}}}""", algorithm);
        Random random = new(seed);
        int taken = 0;
        for (int i = 0; i < 300; i++)
        {
            string token = i == 0 ? good : Mutate(good, random);

            bool isTaken = _ours.Verify(token, _keys).Refusal == AccessRefusal.None;

            taken += isTaken ? 1 : 0;
            if (isTaken)
            {
                Assert.True(await IsTakenByThemAsync(token), token);
            }
            else if (await IsTakenByThemAsync(token))
            {
                // They accept a last character of a part with bits that have no meaning.
                Assert.Equal(Canonical(good), Canonical(token));
            }
        }

        Assert.InRange(taken, 1, 30);
    }

    [Theory]
    [InlineData("""{"iss":"me","aud":"weir","exp":SOON}""")]
    [InlineData("""{"iss":"me","aud":["x","weir"],"exp":SOON}""")]
    [InlineData("""{"iss":"me","aud":"x","exp":SOON}""")]
    [InlineData("""{"iss":"you","aud":"weir","exp":SOON}""")]
    [InlineData("""{"aud":"weir","exp":SOON}""")]
    [InlineData("""{"iss":"me","exp":SOON}""")]
    [InlineData("""{"iss":"me","aud":"weir"}""")]
    [InlineData("""{"iss":"me","aud":"weir","exp":1}""")]
    [InlineData("""{"iss":"me","aud":"weir","nbf":SOON,"exp":SOON}""")]
    public async Task Claims_HaveTheSameResult(string payload)
    {
        string token = Hs256(payload.Replace("SOON", $"{Soon}", StringComparison.Ordinal));

        Assert.Equal(await IsTakenByThemAsync(token), _ours.Verify(token, _keys).Refusal == AccessRefusal.None);
    }

    private static async Task<bool> IsTakenByThemAsync(string token)
        => (await new JsonWebTokenHandler().ValidateTokenAsync(token, _theirs)).IsValid;

    private static string Canonical(string token) => string.Join('.', token.Split('.').Select(static part => part[..^1]));

    private static string Mutate(string token, Random random)
    {
        const string Letters = "ABCXYZabcxyz0189-_.=+/ ";
        StringBuilder mutated = new(token);
        int at = random.Next(token.Length);
        switch (random.Next(4))
        {
            case 0:
                mutated[at] = Letters[random.Next(Letters.Length)];
                break;
            case 1:
                mutated.Remove(at, 1);
                break;
            case 2:
                mutated.Insert(at, Letters[random.Next(Letters.Length)]);
                break;
            default:
                mutated[^1] = Letters[random.Next(Letters.Length)];
                break;
        }

        return mutated.ToString();
    }
}
