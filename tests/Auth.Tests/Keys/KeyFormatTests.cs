using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.IdentityModel.Tokens;
using Weir.Auth.Keys;
using Weir.Auth.Tokens;
using Weir.Relay;
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
        { "An explanation, as some tools write it.\n" + Rsa.ExportSubjectPublicKeyInfoPem() + "\n" + CurveOf("ES384").ExportSubjectPublicKeyInfoPem(), "ES384" },
    };

    [Theory]
    [MemberData(nameof(Pems))]
    public void Pem_OfEachKind_Verifies(string pem, string algorithm)
        => AssertTakes(PemKeys.Read(pem, JwtAlgorithm.All), algorithm);

    [Fact]
    public void Pem_ThatIsOfNoUse_SaysWhy()
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
            Assert.Contains(why, Assert.Throws<KeySourceException>(() => PemKeys.Read(pem, JwtAlgorithm.All)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Jwks_TakesWhatIsForUs_AndLeavesOutTheRest()
    {
        List<string> leftOut = [];
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
        Assert.Equal(5, leftOut.Count);
        AssertTakes(keys, "RS256", "\"kid\":\"a\",");
        AssertTakes(keys, "PS256", "\"kid\":\"only-ps\",");
        AssertTakes(keys, "RS256"); // names no key: all are tried
        AssertRefuses(keys, "RS256", "\"kid\":\"only-ps\",");
        AssertRefuses(keys, "RS256", "\"kid\":\"enc\",");
        AssertRefuses(keys, "RS256", "\"kid\":\"\",");
        AssertRefuses(keys, "HS512", "\"kid\":\"secret\",");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"keys":[]}""")]
    [InlineData("""{"keys":[{"kty":"oct","k":"AAAA"}]}""")]
    [InlineData("<html>Sign in</html>")]
    public void Jwks_ThatIsNone_IsRefused(string json)
        => Assert.Throws<KeySourceException>(() => JwksKeys.Read(json, JwtAlgorithm.All, static _ => { }));

    [Fact]
    public void Algorithms_ThatAreNotWanted_AreNotTaken()
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

    private static AccessRefusal Verify(IReadOnlyList<VerificationKey> keys, string algorithm, string header) => new TokenVerifier(new JwtOptions(), NewClock())
        .Verify(Make($$"""{{{header}}"alg":"{{algorithm}}"}""", $$"""{"exp":{{Soon}}}""", algorithm), new KeySet(keys, cacheSize: 0)).Refusal;

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
