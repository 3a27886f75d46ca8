using Weir.LoadTest.Activities;
using Weir.LoadTest.Client;
using Xunit;

namespace Weir.LoadTest.Tests;

public sealed class SlowClientTests
{
    private static readonly ConnectionEnd _closedAsSlow = new(1009, "too slow");

    [Theory]
    [InlineData(new int[0], true)]
    [InlineData(new[] { 0, 1, 2 }, true)]
    [InlineData(new[] { 0, 2 }, false)]
    [InlineData(new[] { 1 }, false)]
    [InlineData(new[] { 0, 0 }, false)]
    public void IsClosedAsSlow_BehindMessages_OnlyWithoutAGap(int[] numbers, bool isExpected)
    {
        SlowClient client = new();

        Array.ForEach(numbers, client.Deliver);

        Assert.Equal(isExpected, client.IsClosedAsSlow(_closedAsSlow));
    }

    [Fact]
    public void IsClosedAsSlow_AnythingElse_IsFalse()
    {
        SlowClient client = new();

        Assert.False(client.IsClosedAsSlow(new ConnectionEnd(1009, "too big")));
        Assert.False(client.IsClosedAsSlow(new ConnectionEnd(1001, "too slow")));
        Assert.False(client.IsClosedAsSlow(ConnectionEnd.WithoutCloseFrame("reset")));
        Assert.True(client.IsClosedAsSlow(new ConnectionEnd(3008, "slow"), code: 3008));
    }
}
