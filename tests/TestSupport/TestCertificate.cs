using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Weir.TestSupport;

/// <summary>A self-signed certificate for a TLS server in a test.</summary>
public static class TestCertificate
{
    /// <summary>For "localhost" and 127.0.0.1, valid from yesterday to tomorrow; the caller disposes it.</summary>
    public static X509Certificate2 Create()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    /// <summary>Writes a new certificate with its key to a file (PKCS #12), which the caller deletes.</summary>
    public static void WriteTo(string path, string password)
    {
        using X509Certificate2 certificate = Create();
        File.WriteAllBytes(path, certificate.Export(X509ContentType.Pfx, password));
    }
}
