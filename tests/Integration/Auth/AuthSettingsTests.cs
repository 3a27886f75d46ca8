using System.Security.Cryptography;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Auth;

/// <summary>Invalid settings of authentication end the start, with the setting and the reason.</summary>
public sealed class AuthSettingsTests
{
    [Theory]
    [InlineData("Weir:Auth:Jwt:Secret", "at least 32 bytes", "Jwt:Secret=too short")]
    [InlineData("Weir:Auth:Jwt:Secret", "at least 64 bytes, which HS512 needs", "Jwt:Secret=thirty-two bytes are good for HS256",
        "Jwt:Algorithms=HS256, HS512")]
    [InlineData("Weir:Auth:Jwt:Secret", "because Algorithms names one that needs it", "Jwt:Algorithms=HS256",
        "Jwt:Jwks=http://127.0.0.1:1/")]
    [InlineData("Weir:Auth:Jwt:Secret", "something below Weir:Auth is set, but no key", "Jwt:Secret=")]
    [InlineData("Weir:Auth:Jwt:Secret", "something below Weir:Auth is set, but no key", "Cookie=session")]
    [InlineData("Weir:Auth:Jwt:Algorithms", "some of HS256", "Jwt:Secret=thirty-two bytes are good for HS256", "Jwt:Algorithms=none")]
    [InlineData("Weir:Auth:Jwt:PublicKeyFile", "a file of keys that can be read", "Jwt:PublicKeyFile=/no/such/file")]
    [InlineData("Weir:Auth:Jwt:Jwks", "a file of keys that can be read", "Jwt:Jwks=/no/such/file")]
    [InlineData("Weir:Auth:Reject", "one of Close, Http", "Jwt:Secret=thirty-two bytes are good for HS256", "Reject=Never")]
    [InlineData("Weir:Auth:Jwt:ClockSkew", "from 0ms to 60m", "Jwt:Secret=thirty-two bytes are good for HS256", "Jwt:ClockSkew=2h")]
    [InlineData("Weir:Auth:Jwt:Key", "is not a setting", "Jwt:Secret=thirty-two bytes are good for HS256", "Jwt:Key=x")]
    public async Task BadValue_IsNamed(string key, string expected, params string[] settings)
    {
        (int exitCode, string output, string errors) = await HostProcess.RunAsync(
            ["--urls", "http://127.0.0.1:0", .. settings.Select(static setting => "--Weir:Auth:" + setting)]);

        Assert.Equal(1, exitCode);
        Assert.Contains(key, errors, StringComparison.Ordinal);
        Assert.Contains(expected, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("too short", output + errors, StringComparison.Ordinal);
        Assert.DoesNotContain("thirty-two", output + errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--Weir:Rooms:0:Access=Private")]
    [InlineData("--Weir:Rooms:0:Publish=Granted")]
    public async Task RestrictedRoom_WithoutAuthentication_IsAnError(string setting)
    {
        (int exitCode, _, string errors) = await HostProcess.RunAsync(["--Weir:Rooms:0:Pattern=*", setting]);

        Assert.Equal(1, exitCode);
        Assert.Contains("unless Weir:Auth is set", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PrivateKey_WhereThePublicOneBelongs_IsRefused()
    {
        using RSA key = RSA.Create(2048);
        string path = Path.Combine(Path.GetTempPath(), $"weir-{Guid.NewGuid():N}.pem");
        await File.WriteAllTextAsync(path, key.ExportPkcs8PrivateKeyPem(), CancellationToken.None);
        try
        {
            (int exitCode, _, string errors) = await HostProcess.RunAsync([$"--Weir:Auth:Jwt:PublicKeyFile={path}"]);

            Assert.Equal(1, exitCode);
            Assert.Contains("private key", errors, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
