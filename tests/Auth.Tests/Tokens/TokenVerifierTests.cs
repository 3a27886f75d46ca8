using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Weir.Auth.Keys;
using Weir.Auth.Tokens;
using Weir.Relay.Access;
using Xunit;
using static Weir.Auth.Tests.TestTokens;

namespace Weir.Auth.Tests.Tokens;

public sealed class TokenVerifierTests
{
    private static readonly KeySet _all = AllKeys();

    public static TheoryData<string> Algorithms { get; } = [.. JwtAlgorithm.All.Select(static algorithm => algorithm.Name)];

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void EveryAlgorithm_GoodToken_IsTaken(string algorithm)
    {
        string token = Make($$"""{"alg":"{{algorithm}}"}""", $$"""{"sub":"u1","exp":{{Soon}}}""", algorithm);

        TokenResult result = Verify(token, _all);

        Assert.Equal(new TokenResult(AccessRefusal.None, result.Claims), result);
        Assert.Equal(("u1", Soon), (result.Claims!.User, result.Claims.ExpiresAt!.Value.ToUnixTimeSeconds()));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void EveryAlgorithm_OneBitOfTheSignature_IsRefused(string algorithm)
    {
        string token = Make($$"""{"alg":"{{algorithm}}"}""", $$"""{"sub":"u1","exp":{{Soon}}}""", algorithm);
        string text = token[..token.LastIndexOf('.')];
        byte[] signature = Base64Url.DecodeFromChars(token.AsSpan(text.Length + 1));
        foreach (int bit in (int[])[0, signature.Length * 4, (signature.Length * 8) - 1])
        {
            byte[] wrong = [.. signature];
            wrong[bit / 8] ^= (byte)(1 << (bit % 8));
            AssertInvalid(text + "." + Encode(wrong), _all, "the signature");
        }

        AssertInvalid(text + "." + Encode(signature.AsSpan(1)), _all, "the signature");
        AssertInvalid(text + "." + Encode([.. signature, 0]), _all, "the signature");
        AssertInvalid(text + "." + Encode(new byte[signature.Length]), _all, "the signature");
    }

    [Fact]
    public void ExampleOfRfc7515_InItsTime_IsTaken()
    {
        // Appendix A.1.
        const string Token =
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
            + ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
            + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        byte[] secret = Base64Url.DecodeFromChars("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
        KeySet keys = new([VerificationKey.OfSecret(secret, JwtAlgorithm.All)], cacheSize: 0);
        Microsoft.Extensions.Time.Testing.FakeTimeProvider then = new(DateTimeOffset.FromUnixTimeSeconds(1300819380 - 60));

        TokenResult result = new TokenVerifier(new JwtOptions { Issuers = ["joe"] }.ToSettings(), then).Verify(Token, keys);

        Assert.Equal(AccessRefusal.None, result.Refusal);
        Assert.Equal(AccessRefusal.Expired, Verify(Token, keys).Refusal);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("NONE")]
    [InlineData("nOnE")]
    [InlineData("hs256")]
    [InlineData("HS255")]
    [InlineData("")]
    public void Algorithm_None_IsRefused(string algorithm)
    {
        string header = Encode(Encoding.UTF8.GetBytes($$"""{"alg":"{{algorithm}}","typ":"JWT"}"""));
        string payload = Encode(Encoding.UTF8.GetBytes($$"""{"sub":"admin","exp":{{Soon}}}"""));
        foreach (string signature in (string[])["", "AA",
            Encode(Sign(Encoding.ASCII.GetBytes(header + "." + payload), "HS256", Encoding.UTF8.GetBytes(Secret)))])
        {
            AssertInvalid($"{header}.{payload}.{signature}", _all);
        }

        AssertInvalid($"{header}.{payload}", _all);
    }

    // The classic: the key is public, so a verifier that takes it for a secret accepts tokens that anyone can make.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Algorithm_SwappedToHmacWithThePublicKeyAsSecret_IsRefused(bool isThereASecretToo)
    {
        KeySet keys = isThereASecretToo ? _all : OnlyRsa();
        string pem = Rsa.ExportSubjectPublicKeyInfoPem();
        byte[] der = Rsa.ExportSubjectPublicKeyInfo();
        foreach (byte[] secret in (byte[][])[Encoding.ASCII.GetBytes(pem), Encoding.ASCII.GetBytes(pem + "\n"), der,
            Rsa.ExportRSAPublicKey(), Rsa.ExportParameters(false).Modulus!])
        {
            foreach (string algorithm in (string[])["HS256", "HS384", "HS512"])
            {
                string text = Encode(Encoding.UTF8.GetBytes($$"""{"alg":"{{algorithm}}"}""")) + "."
                    + Encode(Encoding.UTF8.GetBytes($$"""{"sub":"admin","exp":{{Soon}}}"""));
                AssertInvalid(text + "." + Encode(Sign(Encoding.ASCII.GetBytes(text), algorithm, secret)), keys);
            }
        }
    }

    [Theory]
    [InlineData("RS256", "RS384")]
    [InlineData("RS256", "PS256")]
    [InlineData("PS256", "RS256")]
    [InlineData("HS256", "HS512")]
    [InlineData("ES256", "ES384")]
    [InlineData("HS256", "RS256")]
    public void Algorithm_OtherThanThatOfTheSignature_IsRefused(string named, string isSignedBy)
        => AssertInvalid(Make($$"""{"alg":"{{named}}"}""", $$"""{"exp":{{Soon}}}""", isSignedBy), _all, "the signature");

    [Fact]
    public void Signature_InDerInsteadOfTwoNumbers_IsRefused()
    {
        string text = Encode("""{"alg":"ES256"}"""u8) + "." + Encode(Encoding.UTF8.GetBytes($$"""{"exp":{{Soon}}}"""));
        byte[] der = CurveOf("ES256")
            .SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

        AssertInvalid(text + "." + Encode(der), _all, "the signature");
    }

    [Theory]
    [InlineData("another secret that is long enough for everything there is, of 64+", "the signature")]
    public void Secret_ThatIsNotOurs_IsRefused(string secret, string why) => AssertInvalid(Good(secret: secret), _all, why);

    [Fact]
    public void Secret_TooShortForTheAlgorithm_IsNotUsedForIt()
    {
        const string Short = "exactly thirty-two bytes of text"; // good for HS256 only
        KeySet keys = OnlySecret(secret: Short);

        Assert.Equal(AccessRefusal.None, Verify(Good(secret: Short), keys).Refusal);
        AssertInvalid(Make("""{"alg":"HS384"}""", $$"""{"exp":{{Soon}}}""", "HS384", Short), keys, "no key for it");
    }

    [Theory]
    [InlineData("""{"alg":"HS256","crit":["exp"]}""")]
    [InlineData("""{"alg":"HS256","b64":false,"crit":["b64"]}""")]
    [InlineData("""{"alg":"HS256","b64":true}""")]
    [InlineData("""{"alg":"none","alg":"HS256"}""")]
    [InlineData("""{"alg":"HS256","alg":"HS256"}""")]
    [InlineData("""{"alg":"HS256","kid":"a","kid":"b"}""")]
    [InlineData("""{"alg":["HS256"]}""")]
    [InlineData("""{"alg":"HS256","kid":7}""")]
    [InlineData("""{"alg":null}""")]
    [InlineData("""{"\u0061lg":"HS256","alg":"HS256"}""")]
    [InlineData("""{"typ":"JWT"}""")]
    [InlineData("""["alg","HS256"]""")]
    [InlineData("""{"alg":"HS256"}{}""")]
    [InlineData("""{"alg":"HS256","x":""")]
    [InlineData("""{"alg":"HS256","x":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}}""")]
    [InlineData("")]
    [InlineData("\u0000\u0001")]
    public void Header_ThatIsNotPlain_IsRefused(string header)
        => AssertInvalid(Make(header, $$"""{"exp":{{Soon}}}""", "HS256"), _all);

    [Theory]
    [InlineData("""{"typ":"JWT","alg":"HS256"}""")]
    [InlineData("""{"alg":"HS256","kid":"whatever","jwk":{"kty":"oct","k":"AAAA"},"x5u":"https://evil.example"}""")]
    [InlineData(""" { "alg" : "HS256" } """)]
    public void Header_WithMoreInIt_IsTaken(string header)
        => Assert.Equal(AccessRefusal.None, Verify(Make(header, $$"""{"exp":{{Soon}}}""", "HS256"), _all).Refusal);

    // A certificate of 1.5 KB and two above it, as some issuers send them: never read.
    [Theory]
    [InlineData("x5c", "[\"MIIB\",\"MIIC\",\"MIID\"]")]
    [InlineData("jku", "\"https://evil.example/keys\"")]
    [InlineData("x", "\"\"")]
    public void Header_ThatIsLong_IsTaken(string name, string value)
    {
        string padding = new('A', 6_000);
        string header = $$"""{"alg":"HS256","{{name}}":{{value}},"y":["{{padding}}"]}""";

        Assert.Equal(AccessRefusal.None, Verify(Make(header, $$"""{"exp":{{Soon}}}""", "HS256"), _all).Refusal);
        AssertInvalid(Make(header, $$"""{"exp":{{Soon}}}""", "HS256", "another secret, of more than thirty-two bytes"), _all,
            "the signature");
    }

    // The token's own key signs it rightly, and is not believed.
    [Fact]
    public void Header_WithAKeyOfItsOwn_IsNotVerifiedByIt()
    {
        using RSA own = RSA.Create(2048);
        RSAParameters key = own.ExportParameters(includePrivateParameters: false);
        CertificateRequest request = new("CN=own", own, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 certificate = request.CreateSelfSigned(Now.AddDays(-1), Now.AddYears(1));
        string text = Encode(Encoding.UTF8.GetBytes($$$"""
            {"alg":"RS256","x5c":["{{{Convert.ToBase64String(certificate.RawData)}}}"],
             "jwk":{"kty":"RSA","n":"{{{Encode(key.Modulus)}}}","e":"{{{Encode(key.Exponent)}}}"}}
            """)) + "." + Encode(Encoding.UTF8.GetBytes($$"""{"exp":{{Soon}}}"""));

        AssertInvalid($"{text}.{Encode(own.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}",
            _all, "the signature");
    }

    [Theory]
    [InlineData("""{"typ":"JWT"}""", "its header has no `alg`")]
    [InlineData("""{"alg":"none"}""", "an algorithm that is not accepted")]
    [InlineData("""{"alg":7}""", "its header's `alg` is not a string")]
    [InlineData("""{"alg":"HS256","kid":7}""", "its header's `kid` is not a string")]
    [InlineData("""{"alg":"HS256","kid":"\ud800"}""", "its header is not JSON")]
    [InlineData("""{"alg":"HS256","kid":"a","kid":"b"}""", "its header has `kid` twice")]
    [InlineData("""{"alg":"HS256","crit":["exp"]}""", "its header has `crit` or `b64`, which are not supported")]
    [InlineData("""["HS256"]""", "its header is not an object")]
    [InlineData("HS256", "its header is not JSON")]
    public void Header_ThatIsRefused_HasAReason(string header, string why)
        => AssertInvalid(Make(header, $$"""{"exp":{{Soon}}}""", "HS256"), _all, why);

    [Fact]
    public void Header_ThatIsNotUtf8_IsRefused()
    {
        string text = Encode([.. """{"alg":"HS256","kid":" """u8, 0xFF, .. "\"}"u8]) + "." + Encode(Encoding.UTF8.GetBytes($$"""{"exp":{{Soon}}}"""));

        AssertInvalid($"{text}.{Encode(Sign(Encoding.ASCII.GetBytes(text), "HS256", Encoding.UTF8.GetBytes(Secret)))}", _all,
            "its header is not JSON");
    }

    [Theory]
    [InlineData("""{"sub":7,"exp":SOON}""", "`sub` is or has a number, where a string must be")]
    [InlineData("""{"sub":"\ud800","exp":SOON}""", "`sub` has half a surrogate pair, written as an escape")]
    [InlineData("""{"iss":null,"exp":SOON}""", "`iss` is or has null, where a string must be")]
    [InlineData("""{"aud":[7],"exp":SOON}""", "`aud` is or has a number, where a string must be")]
    [InlineData("""{"channels":"*","exp":SOON}""", "`channels` is a string, not an array of strings")]
    [InlineData("""{"publish":{},"exp":SOON}""", "`publish` is an object, not an array of strings")]
    [InlineData("""{"subs":["room"],"exp":SOON}""", "`subs` is an array, not an object")]
    [InlineData("""{"channel":["a"],"exp":SOON}""", "`channel` is or has an array, where a string must be")]
    [InlineData("""{"exp":"SOON"}""", "`exp` is a string, not a number of seconds since 1970")]
    [InlineData("""{"exp":SOON,"nbf":true}""", "`nbf` is a boolean, not a number of seconds since 1970")]
    [InlineData("""{"exp":SOON,"iat":"SOON"}""", "`iat` is a string, not a number of seconds since 1970")]
    [InlineData("""{"exp":SOON000}""", "`exp` " + NumericDate.Complaint)]
    [InlineData("""{"exp":SOON,"nbf":SOON000}""", "`nbf` " + NumericDate.Complaint)]
    [InlineData("""{"exp":SOON,"iat":SOON000}""", "`iat` " + NumericDate.Complaint)]
    [InlineData("""{"sub":"u"}""", "it has no `exp`")]
    [InlineData("""[]""", "its claims are an array, not an object")]
    [InlineData("""{"exp":1,"exp":SOON}""", "its claims are not JSON, or one occurs twice")]
    public void Claim_ThatIsNotAsItMustBe_IsNamed(string payload, string why)
        => AssertInvalid(Hs256(payload.Replace("SOON", $"{Soon}", StringComparison.Ordinal)), _all, why);

    [Fact]
    public void Claims_ThatAreNotUtf8_AreRefused()
    {
        string text = Encode("""{"alg":"HS256"}"""u8) + "." + Encode(
            [.. """{"info":" """u8, 0xC3, 0x28, .. Encoding.UTF8.GetBytes($"\",\"exp\":{Soon}}}")]);

        AssertInvalid($"{text}.{Encode(Sign(Encoding.ASCII.GetBytes(text), "HS256", Encoding.UTF8.GetBytes(Secret)))}", _all,
            "its claims are not UTF-8");
    }

    [Theory]
    [InlineData("""{"sub":"u1"}""")]
    [InlineData("""{"sub":"u1","exp":"SOON"}""")]
    [InlineData("""{"sub":"u1","exp":null}""")]
    [InlineData("""{"sub":"u1","exp":"tomorrow"}""")]
    [InlineData("""{"sub":"u1","exp":1,"exp":SOON}""")]
    [InlineData("""{"sub":7,"exp":SOON}""")]
    [InlineData("""{"sub":null,"exp":SOON}""")]
    [InlineData("""{"channels":"*","exp":SOON}""")]
    [InlineData("""{"channels":[1],"exp":SOON}""")]
    [InlineData("""{"channels":[null],"exp":SOON}""")]
    [InlineData("""{"subs":["room"],"exp":SOON}""")]
    [InlineData("""{"publish":"*","exp":SOON}""")]
    [InlineData("""{"aud":7,"exp":SOON}""")]
    [InlineData("""{"nbf":"0","exp":SOON}""")]
    [InlineData("""{"channel":["a"],"exp":SOON}""")]
    [InlineData("""["exp",SOON]""")]
    [InlineData("""{"exp":SOON""")]
    [InlineData("SOON")]
    [InlineData("")]
    [InlineData("\u0000")]
    public void Payload_ThatIsNotAsItShouldBe_IsRefused(string payload)
        => AssertInvalid(Hs256(payload.Replace("SOON", $"{Soon}", StringComparison.Ordinal)), _all);

    [Fact]
    public void Claims_AreRead()
    {
        TokenClaims claims = Verify(Good("""
            "sub":"u1","info":{"name":"Ada", "x":[1]},"channels":["chat:*","news"],"subs":{"own:u1":{},"news":{"data":1}},"publish":["chat:?"],
            "iss":"me","jti":"j","iat":1,"meta":{"secret":true}
            """), _all).Claims!;

        Assert.Equal("u1", claims.User);
        Assert.Equal("""{"name":"Ada", "x":[1]}""", Encoding.UTF8.GetString(claims.Info.Span));
        Assert.Equal(["chat:*", "news"], claims.Channels);
        Assert.Equal(["own:u1", "news"], claims.Subscriptions);
        Assert.Equal(["chat:?"], claims.Publish);
        Assert.Null(claims.Channel);
    }

    [Theory]
    [InlineData("\"iss\":\"https://id.example\",\"aud\":\"weir\"", AccessRefusal.None)]
    [InlineData("\"iss\":\"https://id.example\",\"aud\":[\"other\",\"weir\"]", AccessRefusal.None)]
    [InlineData("\"iss\":\"https://id.example\",\"aud\":\"staging\"", AccessRefusal.None)]
    [InlineData("\"iss\":\"https://id.example\",\"aud\":\"Weir\"", AccessRefusal.Invalid)]
    [InlineData("\"iss\":\"https://id.example\",\"aud\":[]", AccessRefusal.Invalid)]
    [InlineData("\"iss\":\"https://id.example\"", AccessRefusal.Invalid)]
    [InlineData("\"iss\":\"https://id.example/\",\"aud\":\"weir\"", AccessRefusal.Invalid)]
    [InlineData("\"aud\":\"weir\"", AccessRefusal.Invalid)]
    public void IssuerAndAudience_AreCompared(string claims, AccessRefusal expected)
        => Assert.Equal(expected,
            Verify(Good(claims), _all, new JwtOptions { Issuers = ["https://id.example"], Audiences = ["weir", "staging"] }).Refusal);

    [Fact]
    public void Audience_WithoutAConfiguredOne_IsRefused() => AssertInvalid(Good("\"aud\":\"somebody else\""), _all, "the audience");

    [Fact]
    public void Expired_OfAnotherIssuer_IsInvalid()
    {
        string token = Hs256($$"""{"iss":"other","exp":1}""");

        Assert.Equal(AccessRefusal.Invalid, Verify(token, _all, new JwtOptions { Issuers = ["me"] }).Refusal);
        Assert.Equal(AccessRefusal.Expired, Verify(token, _all).Refusal);
    }

    [Theory]
    [InlineData("exp", -31, AccessRefusal.Expired)]
    [InlineData("exp", -30, AccessRefusal.Expired)]
    [InlineData("exp", -29, AccessRefusal.None)]
    [InlineData("nbf", 31, AccessRefusal.Invalid)]
    [InlineData("nbf", 30, AccessRefusal.None)]
    [InlineData("nbf", -30, AccessRefusal.None)]
    public void Times_AreComparedWithinTheSkew(string claim, int secondsFromNow, AccessRefusal expected)
    {
        long time = Now.ToUnixTimeSeconds() + secondsFromNow;
        string token = Hs256(claim == "exp" ? $$"""{"exp":{{time}}}""" : $$"""{"nbf":{{time}},"exp":{{Soon}}}""");

        Assert.Equal(expected, Verify(token, _all, new JwtOptions { ClockSkew = TimeSpan.FromSeconds(30) }).Refusal);
    }

    [Theory]
    [InlineData("253402300799", AccessRefusal.None)]
    [InlineData("4000000000.75", AccessRefusal.None)]
    [InlineData("4e9", AccessRefusal.None)]
    [InlineData("-1", AccessRefusal.Expired)]
    [InlineData("0", AccessRefusal.Expired)]
    [InlineData("-62135596800", AccessRefusal.Expired)]
    public void Expiry_InTheYears1To9999_IsADate(string exp, AccessRefusal expected)
        => Assert.Equal(expected, Verify(Hs256($$"""{"exp":{{exp}}}"""), _all).Refusal);

    [Theory]
    [InlineData("1e300")]
    [InlineData("1e400")]
    [InlineData("-1e300")]
    [InlineData("253402300800")]
    [InlineData("1795521600000")]
    public void Expiry_ThatIsNoDate_IsRefusedByName(string exp)
        => AssertInvalid(Hs256($$"""{"exp":{{exp}}}"""), _all, "`exp` " + NumericDate.Complaint);

    [Fact]
    public void Truncated_Anywhere_IsRefused()
    {
        string token = Good();
        for (int length = 0; length < token.Length; length++)
        {
            AssertInvalid(token[..length], _all);
        }
    }

    [Theory]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("...")]
    [InlineData("a.b")]
    [InlineData("a..b")]
    [InlineData(".a.b")]
    [InlineData("a.b.")]
    [InlineData("a.b.c.d")]
    [InlineData("a.b.c.d.e")]
    [InlineData("not a token")]
    [InlineData("Ω.β.γ")]
    [InlineData("\0\0\0")]
    [InlineData("%00.%00.%00")]
    public void Garbage_IsRefused(string token) => AssertInvalid(token, _all);

    [Fact]
    public void GoodToken_WithAnythingAroundIt_IsRefused()
    {
        string token = Good();
        foreach (string wrong in (string[])[" " + token, token + " ", token + "\n", token + "=", token + ".", "." + token,
            token.Replace('.', ','), token + "." + token])
        {
            AssertInvalid(wrong, _all);
        }
    }

    // Each kind of bad token costs a bounded amount of memory, and of those that are well-formed none an exception, which costs
    // more than all the rest together. How much time: bench/Auth/VerifyBenchmarks.cs.
    [Theory]
    [InlineData("a megabyte", 0)]
    [InlineData("garbage", 0)]
    [InlineData("signature", 2_000)]
    [InlineData("expired", 3_000)]
    [InlineData("none", 2_000)]
    [InlineData("swapped", 2_000)]
    public void Refusal_IsCheap(string kind, int mostBytes)
    {
        string good = Good();
        string token = kind switch
        {
            "a megabyte" => "eyJ." + new string('A', 1 << 20) + ".AA",
            "garbage" => "x" + good.Replace('.', '!'),
            "signature" => good[..^8] + "AAAAAAAA",
            "expired" => Hs256("""{"exp":1}"""),
            "none" => Encode("""{"alg":"none"}"""u8) + good[good.IndexOf('.')..],
            _ => Make("""{"alg":"RS256"}""", $$"""{"exp":{{Soon}}}""", "HS256"),
        };
        TokenVerifier verifier = new(new JwtOptions().ToSettings(), NewClock());
        KeySet keys = OnlySecret();
        int exceptions = 0;
        int thread = Environment.CurrentManagedThreadId;
        void Count(object? sender, System.Runtime.ExceptionServices.FirstChanceExceptionEventArgs thrown)
            => exceptions += Environment.CurrentManagedThreadId == thread ? 1 : 0;

        Assert.NotEqual(AccessRefusal.None, verifier.Verify(token, keys).Refusal);
        long least = long.MaxValue;
        AppDomain.CurrentDomain.FirstChanceException += Count;
        try
        {
            for (int round = 0; round < 20; round++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                for (int i = 0; i < 10; i++)
                {
                    verifier.Verify(token, keys);
                }

                least = Math.Min(least, (GC.GetAllocatedBytesForCurrentThread() - before) / 10);
            }
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= Count;
        }

        Assert.Equal(0, exceptions);
        Assert.InRange(least, 0, mostBytes);
    }

    private static TokenResult Verify(string token, KeySet keys, JwtOptions? options = null)
        => new TokenVerifier((options ?? new JwtOptions()).ToSettings(), NewClock()).Verify(token, keys);

    private static void AssertInvalid(string token, KeySet keys, string? why = null)
    {
        TokenResult result = Verify(token, keys);
        Assert.Equal(AccessRefusal.Invalid, result.Refusal);
        Assert.Null(result.Claims);
        Assert.Equal(why ?? result.Why, result.Why);
    }
}
