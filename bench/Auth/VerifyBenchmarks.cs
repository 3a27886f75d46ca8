using System.Security.Cryptography;
using System.Text;
using BenchmarkDotNet.Attributes;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Weir.Auth;
using Weir.Auth.Keys;
using Weir.Auth.Tokens;
using Weir.Relay.Access;

namespace Weir.Bench.Auth;

/// <summary>The evaluation of one token, as in a storm of reconnecting clients, with valid tokens and with invalid ones.</summary>
[MemoryDiagnoser]
public class VerifyBenchmarks
{
    private static readonly byte[] _secret = Encoding.UTF8.GetBytes("the secret of the benchmarks, long enough");

    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ECDsa _curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly TokenVerifier _verifier = new(new JwtOptions().ToSettings(), TimeProvider.System);
    private readonly JsonWebTokenHandler _library = new();
    private readonly byte[] _hash = new byte[32];
    private TokenValidationParameters? _parameters;
    private KeySet? _cached;
    private KeySet? _uncached;
    private byte[] _text = [];
    private string _hs256 = "";
    private string _rs256 = "";
    private string _es256 = "";
    private string _forged = "";
    private string _expired = "";
    private string _garbage = "";

    [GlobalSetup]
    public void Setup()
    {
        SymmetricSecurityKey secret = new(_secret);
        VerificationKey[] keys =
        [
            VerificationKey.OfSecret(_secret, JwtAlgorithm.All),
            VerificationKey.OfPublic(id: null, new RsaSecurityKey(_rsa), JwtAlgorithm.All)!,
            VerificationKey.OfPublic(id: null, new ECDsaSecurityKey(_curve), JwtAlgorithm.All)!,
        ];
        _cached = new KeySet(keys, cacheSize: 1000);
        _uncached = new KeySet(keys, cacheSize: 0);
        _parameters = new TokenValidationParameters { IssuerSigningKey = secret, ValidateAudience = false, ValidateIssuer = false };
        _hs256 = Make(secret, SecurityAlgorithms.HmacSha256, 4_000_000_000);
        _rs256 = Make(new RsaSecurityKey(_rsa), SecurityAlgorithms.RsaSha256, 4_000_000_000);
        _es256 = Make(new ECDsaSecurityKey(_curve), SecurityAlgorithms.EcdsaSha256, 4_000_000_000);
        _expired = Make(secret, SecurityAlgorithms.HmacSha256, 1_000_000_000);
        _forged = _hs256[..^10] + "AAAAAAAAAA";
        _garbage = Convert.ToHexString(RandomNumberGenerator.GetBytes(150));
        _text = Encoding.ASCII.GetBytes(_hs256[.._hs256.LastIndexOf('.')]);
        Wrong.Unless(Hs256() == AccessRefusal.None && Hs256Cached() == AccessRefusal.None && Rs256() == AccessRefusal.None);
        Wrong.Unless(Rs256Cached() == AccessRefusal.None && Es256() == AccessRefusal.None);
        Wrong.Unless(Garbage() == AccessRefusal.Invalid && Forged() == AccessRefusal.Invalid && Expired() == AccessRefusal.Expired);
        Wrong.Unless(LibraryHs256() && !LibraryForged());
    }

    /// <summary>The lower bound: the keyed hash alone.</summary>
    [Benchmark(Baseline = true)]
    public int Hmac() => HMACSHA256.HashData(_secret, _text, _hash);

    [Benchmark]
    public AccessRefusal Hs256() => Verify(_hs256, _uncached!);

    [Benchmark]
    public AccessRefusal Hs256Cached() => Verify(_hs256, _cached!);

    [Benchmark]
    public AccessRefusal Rs256() => Verify(_rs256, _uncached!);

    [Benchmark]
    public AccessRefusal Rs256Cached() => Verify(_rs256, _cached!);

    [Benchmark]
    public AccessRefusal Es256() => Verify(_es256, _uncached!);

    [Benchmark]
    public AccessRefusal Garbage() => Verify(_garbage, _cached!);

    [Benchmark]
    public AccessRefusal Forged() => Verify(_forged, _cached!);

    [Benchmark]
    public AccessRefusal Expired() => Verify(_expired, _cached!);

    [Benchmark]
    public bool LibraryHs256() => Validate(_hs256);

    [Benchmark]
    public bool LibraryForged() => Validate(_forged);

    private AccessRefusal Verify(string token, KeySet keys) => _verifier.Verify(token, keys).Refusal;

    private bool Validate(string token)
    {
        Task<TokenValidationResult> validation = _library.ValidateTokenAsync(token, _parameters);
        Wrong.Unless(validation.IsCompleted); // the keys are at hand
        return validation.Result.IsValid;
    }

    private static string Make(SecurityKey key, string algorithm, long expires)
        => new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(
            $$"""{"sub":"user-1234567","channels":["chat:*","news"],"info":{"name":"Ada"},"exp":{{expires}}}""",
            new SigningCredentials(key, algorithm));
}
