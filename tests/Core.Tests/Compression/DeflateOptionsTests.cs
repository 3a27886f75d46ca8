using Xunit;

namespace Weir.Core.Tests.Compression;

public class DeflateOptionsTests
{
    [Fact]
    public void Defaults_HoldNoStatePerConnection()
    {
        var options = new DeflateOptions();

        Assert.False(options.Enabled);
        Assert.False(options.ServerContextTakeover);
        Assert.True(options.ClientContextTakeover);
        Assert.Equal(
            (15, 15, 256, 2),
            (options.ServerMaxWindowBits, options.ClientMaxWindowBits, options.MinimumBytes, options.Level));
    }

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(-15)]
    public void WindowBits_OutOfRange_Throws(int bits)
    {
        var options = new DeflateOptions();

        Assert.Throws<ArgumentOutOfRangeException>("ServerMaxWindowBits", () => options.ServerMaxWindowBits = bits);
        Assert.Throws<ArgumentOutOfRangeException>("ClientMaxWindowBits", () => options.ClientMaxWindowBits = bits);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    public void Level_OutOfRange_Throws(int level) =>
        Assert.Throws<ArgumentOutOfRangeException>("Level", () => new DeflateOptions { Level = level });

    [Fact]
    public void MinimumBytes_Negative_Throws() =>
        Assert.Throws<ArgumentOutOfRangeException>("MinimumBytes", () => new DeflateOptions { MinimumBytes = -1 });

    [Fact]
    public void Setters_LimitsOfTheRanges_AreAccepted()
    {
        var options = new DeflateOptions
        {
            ServerMaxWindowBits = 9,
            ClientMaxWindowBits = 9,
            MinimumBytes = 0,
            Level = 9,
        };

        Assert.Equal(
            (9, 9, 0, 9),
            (options.ServerMaxWindowBits, options.ClientMaxWindowBits, options.MinimumBytes, options.Level));
    }
}
