using Weir.Relay.Brokers;
using Xunit;

namespace Weir.Brokers.Nats.Tests;

/// <summary>Options that cannot be used end the start by name, without the password that a URL may have.</summary>
public sealed class OptionsTests
{
    [Theory]
    [InlineData("")]
    [InlineData("http://user:secret@host")]
    [InlineData("nats://")]
    public void Url_ThatIsNone_IsRefused_AndNotRepeated(string url)
    {
        ArgumentException refused = Assert.ThrowsAny<ArgumentException>(() => new NatsOptions { Url = url }.Validate());

        Assert.Equal("Url", refused.ParamName);
        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.b")]
    [InlineData("*")]
    [InlineData("a b")]
    [InlineData("ä")]
    public void Prefix_ThatWouldBeMoreThanAToken_IsRefused(string prefix)
        => Assert.Equal("Prefix", Assert.Throws<ArgumentException>(() => new NatsOptions { Prefix = prefix }.Validate()).ParamName);

    [Fact]
    public void SeveralWaysToSignIn_AndHalfOfACertificate_AreRefused()
    {
        Assert.Throws<ArgumentException>(static () => new NatsOptions { User = "u", Token = "t" }.Validate());
        Assert.Throws<ArgumentException>(static () => new NatsOptions { TlsKeyFile = "key" }.Validate());
        new NatsOptions { Url = "host-a:4222, tls://host-b", User = "u", Password = "p" }.Validate();
    }

    [Fact]
    public void Rule_ThatDoesNotFit_IsNamedWithTheSetting()
    {
        NatsOptions options = new();

        Assert.Null(options.RefusalOf(RoomRule.Default));
        Assert.Null(options.RefusalOf(new RoomRule { HistorySize = 1000, HistoryTtl = TimeSpan.FromHours(12) }));
        Assert.Contains("MaxHistory is 1000", options.RefusalOf(new RoomRule { Pattern = "a", HistorySize = 1001 }));
        Assert.Contains("MetaTtl must be", options.RefusalOf(new RoomRule { HistorySize = 1, HistoryTtl = TimeSpan.FromHours(13) }));
        Assert.Contains("MetaTtl must be", options.RefusalOf(new RoomRule { HistorySize = 1, HistoryTtl = TimeSpan.Zero }));
        options.MetaTtl = TimeSpan.Zero;
        Assert.Null(options.RefusalOf(new RoomRule { HistorySize = 1, HistoryTtl = TimeSpan.Zero }));
    }
}
