using System.Net;
using Weir.LoadTest.Client;
using Weir.LoadTest.Running;
using Weir.LoadTest.Scenarios;
using Xunit;

namespace Weir.LoadTest.Tests;

public sealed class OptionsTests
{
    [Theory]
    [InlineData("50ms", 0.05)]
    [InlineData("200us", 0.0002)]
    [InlineData("10", 10)]
    [InlineData("1.5s", 1.5)]
    [InlineData("2m", 120)]
    [InlineData("4h", 14400)]
    public void Duration_WithAUnit_IsThatLong(string text, double seconds)
        => Assert.Equal(seconds, Durations.Parse(text)!.Value.TotalSeconds, precision: 6);

    [Theory]
    [InlineData("")]
    [InlineData("ms")]
    [InlineData("-1s")]
    [InlineData("soon")]
    public void Duration_Otherwise_IsNone(string text) => Assert.Null(Durations.Parse(text));

    [Fact]
    public void Sources_OfARange_AreTakenInTurns()
    {
        SourceAddresses sources = SourceAddresses.For(IPAddress.Loopback, 100, "127.0.0.2-127.0.0.4");

        Assert.Equal(3, sources.Count);
        Assert.Equal(["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.2"], Enumerable.Range(0, 4)
            .Select(each => new IPAddress(sources.Of(each)!.Value).ToString()));
    }

    [Theory]
    [InlineData(10_000, 1)]
    [InlineData(10_001, 2)]
    [InlineData(1_000_000, 100)]
    public void Sources_TowardsLoopback_AreAsManyAsPortsDemand(int connections, int addresses)
        => Assert.Equal(addresses, SourceAddresses.For(IPAddress.Loopback, connections, range: null).Count);

    [Fact]
    public void Sources_TowardsElsewhere_AreTheSystems()
        => Assert.Null(SourceAddresses.For(IPAddress.Parse("192.0.2.1"), 100, range: null).Of(0));

    [Theory]
    [InlineData("127.0.0.9-127.0.0.2")]
    [InlineData("here")]
    [InlineData("127.0.0.1-127.0.0.2-127.0.0.3")]
    public void Sources_OfNoRange_Throw(string range)
        => Assert.Throws<FormatException>(() => SourceAddresses.For(IPAddress.Loopback, 1, range));

    [Fact]
    public void ServerCommand_WithQuotes_KeepsWordsTogether()
        => Assert.Equal(["dotnet", "My Host.dll", "--urls", "http://x"],
            LocalServer.SplitWords("dotnet 'My Host.dll'  --urls \"http://x\""));
}
