using Weir.Relay.Brokers;
using Xunit;

namespace Weir.Relay.Tests.Rooms;

public sealed class RoomRulesTests
{
    [Theory]
    [InlineData("*", "", true)]
    [InlineData("*", "anything", true)]
    [InlineData("chat:*", "chat:1", true)]
    [InlineData("chat:*", "chat:", true)]
    [InlineData("chat:*", "Chat:1", false)]
    [InlineData("chat:*", "achat:1", false)]
    [InlineData("*:news", "eu:news", true)]
    [InlineData("*:news", "eu:news:old", false)]
    [InlineData("a*b*c", "a-b-b-c", true)]
    [InlineData("a*b*c", "a-c-b", false)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "ac", false)]
    [InlineData("?", "", false)]
    [InlineData("", "a", false)]
    [InlineData("a**", "a", true)]
    public void Matches_Glob(string pattern, string name, bool expected) => Assert.Equal(expected, RoomRules.Matches(pattern, name));

    [Fact]
    public void Matches_ManyStars_EndsInTime()
        => Assert.False(RoomRules.Matches(string.Concat(Enumerable.Repeat("a*", 30)) + "b", new string('a', 2000)));

    [Fact]
    public void Of_TakesTheFirstThatMatches()
    {
        RoomRules rules = new(new RoomRule { Pattern = "chat:vip:*", HistorySize = 1 }, new RoomRule { Pattern = "chat:*", HistorySize = 2 });

        Assert.Equal(1, rules.Of("chat:vip:1").HistorySize);
        Assert.Equal(2, rules.Of("chat:1").HistorySize);
        Assert.Same(RoomRule.Default, rules.Of("else"));
    }
}
