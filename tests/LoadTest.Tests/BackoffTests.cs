using Weir.LoadTest.Client;
using Xunit;

namespace Weir.LoadTest.Tests;

public sealed class BackoffTests
{
    private static readonly Backoff _backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(20));

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(4, 16)]
    [InlineData(5, 20)] // no more than that
    [InlineData(1000, 20)]
    public void After_SoManyFailures_IsTheLeastAndARandomPartThatDoubles(int failures, double mostSeconds)
    {
        double[] random = [.. Enumerable.Range(0, 1000).Select(_ => (_backoff.After(failures) - _backoff.Least).TotalSeconds)];

        Assert.All(random, each => Assert.InRange(each, 0, mostSeconds));
        Assert.InRange(random.Max(), mostSeconds / 2, mostSeconds); // of a thousand one at least is in the upper half
        Assert.InRange(random.Min(), 0, mostSeconds / 2);
    }
}
