using Weir.Testing;
using Xunit;

namespace Weir.Auth.Tests.Keys;

public sealed class ReadKeysTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public async Task ReadKeysAsync_NoSource_IsEmpty()
        => Assert.Empty(
            await new JwtOptions { Secret = new string('x', 32) }.ReadKeysAsync(TestContext.Current.CancellationToken).Within());

    [Fact]
    public async Task ReadKeysAsync_KeySet_CountsTheUsableAndNamesTheOthersWithTheReason()
    {
        await File.WriteAllTextAsync(
            _file,
            """
            {"keys":[
              {"kty":"EC","crv":"P-256","kid":"good","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"},
              {"kty":"oct","kid":"secret","k":"AAAA"}]}
            """,
            TestContext.Current.CancellationToken);

        JwtKeyReport report = Assert.Single(
            await new JwtOptions { Jwks = _file }.ReadKeysAsync(TestContext.Current.CancellationToken).Within());

        Assert.Equal(_file, report.Source);
        Assert.Equal(1, report.UsableKeys);
        Assert.Null(report.Error);
        Assert.StartsWith("kid \"secret\": ", Assert.Single(report.Ignored), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadKeysAsync_UnreadableFile_IsAnErrorOfItsReport()
    {
        JwtOptions options = new() { PublicKeyFile = _file + ".missing", Jwks = _file };

        IReadOnlyList<JwtKeyReport> reports = await options.ReadKeysAsync(TestContext.Current.CancellationToken).Within();

        Assert.Equal([_file + ".missing", _file], reports.Select(static report => report.Source));
        Assert.All(reports, static report => Assert.NotNull(report.Error)); // the second is empty, so not JSON
        Assert.All(reports, static report => Assert.Equal(0, report.UsableKeys));
    }
}
