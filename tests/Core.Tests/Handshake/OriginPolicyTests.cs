using Weir.Handshake;
using Xunit;

namespace Weir.Core.Tests.Handshake;

public class OriginPolicyTests
{
    [Theory]
    [InlineData(null, "a.example", true)] // no browser
    [InlineData(null, null, true)]
    [InlineData("https://a.example", "a.example", true)]
    [InlineData("http://a.example", "a.example", true)] // the scheme does not count
    [InlineData("https://A.Example", "a.eXample", true)]
    [InlineData("https://a.example", "a.example:443", true)]
    [InlineData("https://a.example:443", "a.example", true)]
    [InlineData("http://a.example", "a.example:80", true)]
    [InlineData("http://localhost:8080", "localhost:8080", true)]
    [InlineData("http://[::1]:8080", "[::1]:8080", true)]
    [InlineData("https://[::1]", "[::1]", true)]
    [InlineData("https://b.example", "a.example", false)]
    [InlineData("https://a.example.evil", "a.example", false)]
    [InlineData("https://evil-a.example", "a.example", false)]
    [InlineData("https://a.example:8443", "a.example", false)]
    [InlineData("https://a.example", "a.example:80", false)]
    [InlineData("https://a.example", "a.example:8443", false)]
    [InlineData("https://a.example", null, false)]
    [InlineData("https://a.example", "", false)]
    [InlineData("null", "a.example", false)]
    [InlineData("null", "null", false)]
    [InlineData("", "", false)]
    [InlineData("a.example", "a.example", false)]
    [InlineData("chrome-extension://a.example", "a.example", false)]
    [InlineData("https://user@a.example", "a.example", false)]
    [InlineData("https://a.example/", "a.example", false)]
    [InlineData("https://a.example/", "a.example/", false)]
    [InlineData("https://a.example, https://b.example", "a.example", false)]
    [InlineData("https://a.example:99999", "a.example:99999", false)]
    public void Allows_NoGlobs_RequiresTheRequestsOwnHost(string? origin, string? host, bool allowed) =>
        Assert.Equal(allowed, new OriginPolicy([]).Allows(origin, host));

    [Theory]
    [InlineData("*", "https://anything.example:1", true)]
    [InlineData("*", "null", true)]
    [InlineData("*", null, true)]
    [InlineData("null", "null", true)]
    [InlineData("null", "https://a.example", false)]
    [InlineData("https://a.example", "null", false)]
    [InlineData("https://*", "null", false)]
    [InlineData("https://a.example", null, true)]
    [InlineData("https://a.example", "https://a.example", true)]
    [InlineData("HTTPS://A.example", "https://a.EXAMPLE", true)]
    [InlineData("https://a.example", "https://a.example:443", true)]
    [InlineData("https://a.example:443", "https://a.example", true)]
    [InlineData("https://a.example", "http://a.example", false)]
    [InlineData("https://a.example", "https://a.example:444", false)]
    [InlineData("https://a.example", "https://b.example", false)]
    [InlineData("https://a.example:8443", "https://a.example:8443", true)]
    [InlineData("https://a.example:*", "https://a.example:8443", true)]
    [InlineData("https://a.example:*", "https://a.example", true)]
    [InlineData("https://a.example:*", "https://b.example", false)]
    [InlineData("*://a.example", "http://a.example", true)]
    [InlineData("*://a.example", "https://a.example", true)]
    [InlineData("*://a.example", "https://a.example:80", false)]
    [InlineData("https://*", "https://a.example", true)]
    [InlineData("https://*", "http://a.example", false)]
    [InlineData("https://*.example.com", "https://a.example.com", true)]
    [InlineData("https://*.example.com", "https://a.b.EXAMPLE.com", true)]
    [InlineData("https://*.example.com", "https://example.com", false)]
    [InlineData("https://*.example.com", "https://.example.com", false)]
    [InlineData("https://*.example.com", "https://evilexample.com", false)]
    [InlineData("https://*.example.com", "https://a.example.com.evil", false)]
    [InlineData("https://*.example.com", "https://evil/.example.com", false)]
    [InlineData("https://*.example.com", "https://*.example.com", false)]
    [InlineData("http://[::1]:8080", "http://[::1]:8080", true)]
    [InlineData("chrome-extension://abcdef", "chrome-extension://abcdef", true)]
    [InlineData("capacitor://localhost", "capacitor://localhost", true)]
    [InlineData("capacitor://localhost", "ionic://localhost", false)]
    [InlineData("file://", "file://", true)]
    [InlineData("file://", "FILE://", true)]
    [InlineData("file://", "app://", false)]
    [InlineData("file://", "file://host", false)]
    [InlineData("file://", "null", false)]
    [InlineData("file://", "https://a.example", false)]
    [InlineData("app://", "app://", true)]
    [InlineData("app://.", "app://.", true)]
    [InlineData("app://", "app://.", false)]
    [InlineData("file://*", "file://", false)]
    [InlineData("*://*", "file://", false)]
    [InlineData("https://*", "https://", false)]
    [InlineData("*", "file://", true)]
    [InlineData("*", "https://a\r\nX: b", false)] // would not stay in its place where a stream repeats it
    [InlineData("*", "https://\u00e9", false)]
    public void Allows_Glob_MatchesWholeParts(string glob, string? origin, bool allowed) =>
        Assert.Equal(allowed, new OriginPolicy([glob]).Allows(origin, "a.example"));

    [Fact]
    public void Allows_SeveralGlobs_AnyMayMatch()
    {
        OriginPolicy policy = new(["https://a.example", "null", "https://*.b.example"]);
        Assert.True(policy.Allows("https://a.example", null));
        Assert.True(policy.Allows("https://x.b.example", null));
        Assert.True(policy.Allows("null", null));
        Assert.False(policy.Allows("https://c.example", "c.example"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.example")]
    [InlineData("*.a.example")]
    [InlineData("://a.example")]
    [InlineData("https://")]
    [InlineData("ws://")]
    [InlineData("*://")]
    [InlineData("1file://")]
    [InlineData("https://*.")]
    [InlineData("https://*a.example")]
    [InlineData("https://a.*.example")]
    [InlineData("https://**.example")]
    [InlineData("https://a.example/")]
    [InlineData("https://a.example/path")]
    [InlineData("https://a.example:")]
    [InlineData("https://a.example:0")]
    [InlineData("https://a.example:65536")]
    [InlineData("https://a.example:8*")]
    [InlineData("https://a.example:80:*")]
    [InlineData("https://user@a.example")]
    [InlineData("https://a.example, https://b.example")]
    [InlineData("ht*ps://a.example")]
    [InlineData("https://::1")]
    public void Constructor_BadGlob_ThrowsNamingIt(string glob) =>
        Assert.Contains(
            $"'{glob}'",
            Assert.Throws<ArgumentException>(() => new OriginPolicy(["*", glob])).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("https://app.example.com", "https://app.example.com", true)]
    [InlineData("https://*.example.com", "https://app.example.com", true)]
    [InlineData("https://*.example.com", "https://example.com", false)]
    [InlineData("https://*.example.com", "http://app.example.com", false)]
    [InlineData("*", "https://app.example.com", false)] // every page of the world
    [InlineData("https://*", "https://app.example.com", false)]
    [InlineData("*://*:*", "https://app.example.com", false)]
    [InlineData("null", "null", false)]
    public void Names_OnlyWhatIsListedByItsHostOrDomain(string glob, string origin, bool expected)
        => Assert.Equal(expected, new OriginPolicy([glob]).Names(origin));

    [Fact]
    public void Names_ListedBesideAWildcard_IsStillNamed()
    {
        OriginPolicy policy = new(["*", "https://app.example.com"]);

        Assert.True(policy.Names("https://app.example.com"));
        Assert.True(policy.Allows("https://other.example", "server"));
        Assert.False(policy.Names("https://other.example"));
    }
}
