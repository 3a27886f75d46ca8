using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.IdentityModel.Tokens;
using Weir.Auth.Keys;
using Weir.Auth.Tokens;
using Weir.Relay.Access;
using Xunit;
using static Weir.Auth.Tests.TestTokens;

namespace Weir.Auth.Tests.Keys;

public sealed class KeyFormatTests
{
    public static TheoryData<string, string> Pems { get; } = new()
    {
        { Rsa.ExportSubjectPublicKeyInfoPem(), "RS256" },
        { Rsa.ExportRSAPublicKeyPem(), "PS512" },
        { CurveOf("ES256").ExportSubjectPublicKeyInfoPem(), "ES256" },
        { CurveOf("ES512").ExportSubjectPublicKeyInfoPem(), "ES512" },
        { CertificateOf(Rsa), "RS384" },
        { "An explanation, as some tools write it.\n" + Rsa.ExportSubjectPublicKeyInfoPem() + "\n" + CurveOf("ES384")
            .ExportSubjectPublicKeyInfoPem(), "ES384" },
    };

    [Theory]
    [MemberData(nameof(Pems))]
    public void Pem_OfEachKind_Verifies(string pem, string algorithm)
        => AssertTakes(PemKeys.Read(pem, JwtAlgorithm.All), algorithm);

    [Fact]
    public void Pem_Unusable_IsRefusedWithTheReason()
    {
        using RSA small = RSA.Create(1024);
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.brainpoolP256r1);
        foreach ((string pem, string why) in ((string, string)[])
        [
            ("", "no PEM"),
            ("not a key", "no PEM"),
            (Rsa.ExportPkcs8PrivateKeyPem(), "private key"),
            (Rsa.ExportRSAPrivateKeyPem(), "private key"),
            (CurveOf("ES256").ExportECPrivateKeyPem(), "private key"),
            (small.ExportSubjectPublicKeyInfoPem(), "1024 bits"),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "cannot be read"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "cannot be read"),
            ("-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----", "no public key"),
        ])
        {
            Assert.Contains(why, Assert.Throws<KeySourceException>(() => PemKeys.Read(pem, JwtAlgorithm.All)).Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Jwks_TakesWhatIsForUs_AndLeavesOutTheRest()
    {
        List<LeftOutKey> leftOut = [];
        string json = $$"""
            {"keys":[
              {{Jwk("\"kid\":\"a\",\"use\":\"sig\"")}},
              {{Jwk("\"kid\":\"only-ps\",\"alg\":\"PS256\"")}},
              {{Jwk("\"kid\":\"enc\",\"use\":\"enc\"")}},
              {{Jwk("\"kid\":\"odd\",\"alg\":\"RSA-OAEP\"")}},
              {"kty":"oct","kid":"secret","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"},
              {"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"not on the curve"},
              {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
            ]}
            """;

        IReadOnlyList<VerificationKey> keys = JwksKeys.Read(json, JwtAlgorithm.All, leftOut.Add);

        Assert.Equal(["a", "only-ps"], keys.Select(static key => key.Id));
        Assert.Equal(
            ["kid \"enc\"", "kid \"odd\"", "kid \"secret\"", "kid \"not on the curve\"", "number 7, without a kid"],
            leftOut.Select(static key => key.Name));
        AssertTakes(keys, "RS256", "\"kid\":\"a\",");
        AssertTakes(keys, "PS256", "\"kid\":\"only-ps\",");
        AssertTakes(keys, "RS256"); // names no key: all are tried
        AssertRefuses(keys, "RS256", "\"kid\":\"only-ps\",");
        AssertRefuses(keys, "RS256", "\"kid\":\"enc\",");
        AssertRefuses(keys, "RS256", "\"kid\":\"\",");
        AssertRefuses(keys, "HS512", "\"kid\":\"secret\",");
    }

    // What issuers write instead of base64url without padding of a number without leading zeros (RFC 7518 sections 2, 6.2.1.2, 6.3.1).
    [Theory]
    [InlineData("leading zero")]
    [InlineData("several leading zeros")]
    [InlineData("padding")]
    [InlineData("standard alphabet")]
    [InlineData("line breaks")]
    public void Jwks_NumberInAnotherForm_IsTaken(string form)
    {
        RSAParameters key = Rsa.ExportParameters(includePrivateParameters: false);
        byte[] modulus = key.Modulus!;
        string n = form switch
        {
            "leading zero" => Base64UrlEncoder.Encode([0, .. modulus]),
            "several leading zeros" => Base64UrlEncoder.Encode([0, 0, 0, .. modulus]),
            "padding" => Base64UrlEncoder.Encode(modulus).PadRight(344, '='),
            "line breaks" => Convert.ToBase64String(modulus, Base64FormattingOptions.InsertLineBreaks).ReplaceLineEndings("\\r\\n"),
            _ => Convert.ToBase64String(modulus),
        };
        string json = $$"""{"keys":[{"kty":"RSA","kid":"a","n":"{{n}}","e":"{{Base64UrlEncoder.Encode([0, .. key.Exponent!])}}"}]}""";

        AssertTakes(JwksKeys.Read(json, JwtAlgorithm.All, static _ => { }), "RS256", "\"kid\":\"a\",");
    }

    [Theory]
    [InlineData("ES256", "P-256")]
    [InlineData("ES384", "P-384")]
    [InlineData("ES512", "P-521")]
    public void Jwks_CoordinateWithoutItsLeadingZero_IsTaken(string algorithm, string curve)
    {
        // One of so many keys has a coordinate that begins with a zero; which, decides chance: in the mean the 128th.
        int bytes = (CurveOf(algorithm).KeySize + 7) / 8;
        ECDsa key;
        ECParameters point;
        do
        {
            key = ECDsa.Create(CurveOf(algorithm).ExportParameters(includePrivateParameters: false).Curve);
            point = key.ExportParameters(includePrivateParameters: false);
        }
        while (point.Q.X![0] != 0 && point.Q.Y![0] != 0);
        string json = $$"""
            {"keys":[{"kty":"EC","crv":"{{curve}}","kid":"short","x":"{{Stripped(point.Q.X!)}}","y":"{{Stripped(point.Q.Y!)}}"}]}
            """;

        VerificationKey read = Assert.Single(JwksKeys.Read(json, JwtAlgorithm.All, static _ => { }));

        byte[] text = [1, 2, 3];
        byte[] signature = key.SignData(text, new HashAlgorithmName("SHA" + algorithm[2..]));
        Assert.Equal(bytes * 2, signature.Length);
        Assert.True(read.Verify(JwtAlgorithm.Find(algorithm)!, text, text.Length, signature));

        static string Stripped(byte[] number) => Base64UrlEncoder.Encode(number.AsSpan().TrimStart((byte)0).ToArray());
    }

    [Theory]
    [InlineData("1", "number 1, without a kid", "it is a number")]
    [InlineData("null", "number 1, without a kid", "it is null")]
    [InlineData("[]", "number 1, without a kid", "it is an array")]
    [InlineData("""{"kty":5,"kid":"bad"}""", "kid \"bad\"", "`kty` is a number")]
    [InlineData("""{"kty":"RSA","kid":7,"n":"AQAB","e":"AQAB"}""", "kid 7", "`kid` is a number")]
    [InlineData("""{"kid":"bad"}""", "kid \"bad\"", "no `kty`")]
    [InlineData("""{"kty":"AKP","kid":"bad"}""", "kid \"bad\"", "`kty` is neither")]
    [InlineData("""{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA","kid":"bad"}""", "kid \"bad\"", "`crv`")]
    [InlineData("""{"kty":"EC","crv":"P-256","x":"GOOD","y":"AA","kid":"bad"}""", "kid \"bad\"", "`x` is longer")]
    [InlineData("""{"kty":"RSA","use":"both","kid":"bad"}""", "kid \"bad\"", "`use` is not `sig`")]
    [InlineData("""{"kty":"RSA","key_ops":["encrypt"],"kid":"bad"}""", "kid \"bad\"", "`key_ops`")]
    [InlineData("""{"kty":"RSA","kid":"bad"}""", "kid \"bad\"", "neither `n` and `e` nor `x5c`")]
    [InlineData("""{"kty":"RSA","n":"!!","e":"AQAB","kid":"bad"}""", "kid \"bad\"", "`n` is not base64url")]
    [InlineData("""{"kty":"RSA","n":"","e":"","kid":"bad"}""", "kid \"bad\"", "`e` must be odd")]
    [InlineData("""{"kty":"RSA","n":"GOOD","e":"AQ","kid":"bad"}""", "kid \"bad\"", "`e` must be odd")]
    [InlineData("""{"kty":"RSA","n":"GOOD","e":"AA","kid":"bad"}""", "kid \"bad\"", "`e` must be odd")]
    [InlineData("""{"kty":"RSA","n":"GOOD","e":"AQAB","d":"AQAB","kid":"bad"}""", "kid \"bad\"", "private part")]
    [InlineData("""{"kty":"RSA","x5c":["MIIB"],"kid":"bad"}""", "kid \"bad\"", "do not form a key")]
    [InlineData("""{"kty":"RSA","x5c":[7],"kid":"bad"}""", "kid \"bad\"", "`x5c`")]
    [InlineData("""{"kty":"RSA","n":"GOOD","e":"AQAB","alg":"HS256","kid":"bad\nline"}""", "kid \"bad\\nline\"", "fits none")]
    public void Jwks_MemberThatCannotBeUsed_IsNamedAndCostsNoOther(string member, string name, string why)
    {
        string bad = member.Replace("GOOD", Base64UrlEncoder.Encode(Rsa.ExportParameters(includePrivateParameters: false).Modulus),
            StringComparison.Ordinal);
        List<LeftOutKey> leftOut = [];

        IReadOnlyList<VerificationKey> keys =
            JwksKeys.Read($$"""{"keys":[{{bad}},{{Jwk("\"kid\":\"good\"")}}]}""", JwtAlgorithm.All, leftOut.Add);

        Assert.Equal("good", Assert.Single(keys).Id);
        LeftOutKey only = Assert.Single(leftOut);
        Assert.Equal(name, only.Name);
        Assert.Contains(why, only.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Jwks_OfACertificateOnly_IsTaken()
    {
        string certificate = CertificateOf(Rsa)
            .ReplaceLineEndings("")["-----BEGIN CERTIFICATE-----".Length..^"-----END CERTIFICATE-----".Length];
        string json = $$"""{"keys":[{"kty":"RSA","kid":"a","use":"sig","x5c":["{{certificate}}"]}]}""";

        AssertTakes(JwksKeys.Read(json, JwtAlgorithm.All, static _ => { }), "RS256", "\"kid\":\"a\",");
    }

    [Fact]
    public void Jwks_WithAKidTwice_IsTriedWithBothKeys()
    {
        using RSA other = RSA.Create(2048);
        RSAParameters first = other.ExportParameters(includePrivateParameters: false);
        string json = $$"""
            {"keys":[{"kty":"RSA","kid":"a","n":"{{Base64UrlEncoder.Encode(first.Modulus)}}","e":"AQAB"},{{Jwk("\"kid\":\"a\"")}}]}
            """;

        AssertTakes(JwksKeys.Read(json, JwtAlgorithm.All, static _ => { }), "RS256", "\"kid\":\"a\",");
    }

    [Fact]
    public void Jwks_WithMoreKeysThanAreTried_TakesTheFirst()
    {
        List<LeftOutKey> leftOut = [];
        string json = $$"""{"keys":[{{string.Join(',', Enumerable.Range(0, 40).Select(static i => Jwk($"\"kid\":\"{i}\"")))}}]}""";

        Assert.Equal(32, JwksKeys.Read(json, JwtAlgorithm.All, leftOut.Add).Count);
        Assert.Equal(8, leftOut.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"keys":[]}""")]
    [InlineData("""{"keys":[{"kty":"oct","k":"AAAA"}]}""")]
    [InlineData("<html>Sign in</html>")]
    public void Jwks_Invalid_IsRefused(string json)
        => Assert.Throws<KeySourceException>(() => JwksKeys.Read(json, JwtAlgorithm.All, static _ => { }));

    [Fact]
    public void Algorithms_NotConfigured_AreNotAccepted()
    {
        JwtOptions options = new() { Algorithms = ["RS512"] };

        IReadOnlyList<VerificationKey> keys = PemKeys.Read(Rsa.ExportSubjectPublicKeyInfoPem(), options.AlgorithmsTaken());

        AssertTakes(keys, "RS512");
        AssertRefuses(keys, "RS256");
    }

    private static void AssertTakes(IReadOnlyList<VerificationKey> keys, string algorithm, string header = "")
        => Assert.Equal(AccessRefusal.None, Verify(keys, algorithm, header));

    private static void AssertRefuses(IReadOnlyList<VerificationKey> keys, string algorithm, string header = "")
        => Assert.Equal(AccessRefusal.Invalid, Verify(keys, algorithm, header));

    private static AccessRefusal Verify(IReadOnlyList<VerificationKey> keys, string algorithm, string header)
        => new TokenVerifier(new JwtOptions().ToSettings(), NewClock())
        .Verify(Make($$"""{{{header}}"alg":"{{algorithm}}"}""", $$"""{"exp":{{Soon}}}""", algorithm), new KeySet(keys, cacheSize: 0))
            .Refusal;

    private static string Jwk(string more)
    {
        RSAParameters key = Rsa.ExportParameters(includePrivateParameters: false);
        return $$"""{"kty":"RSA","n":"{{Base64UrlEncoder.Encode(key.Modulus)}}","e":"{{Base64UrlEncoder.Encode(key.Exponent)}}",{{more}}}""";
    }

    private static string CertificateOf(RSA key)
    {
        CertificateRequest request = new("CN=issuer", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 certificate = request.CreateSelfSigned(Now.AddDays(-1), Now.AddYears(1));
        return certificate.ExportCertificatePem();
    }
}
