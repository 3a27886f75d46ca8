using Weir.LoadTest.Measuring;
using Xunit;

namespace Weir.LoadTest.Tests;

public sealed class GrowthTests
{
    [Fact]
    public void Slope_OfALine_IsItsOwn()
    {
        Assert.Equal(3, Growth.Slope([(0, 1), (1, 4), (2, 7)])!.Value, precision: 9);
        Assert.Equal(0, Growth.Slope([(0, 5), (1, 9), (2, 5)])!.Value, precision: 9);
        Assert.Null(Growth.Slope([(0, 5)]));
    }

    [Fact]
    public void MegabytesPerHour_AfterAWarmUp_IsOfTheRest()
    {
        // 100 MB in the first two minutes, and then 1 MB every six.
        (double, long)[] samples =
            [(0, 0), (60, 50_000_000), .. Enumerable.Range(0, 8).Select(static each => (120.0 + (360 * each), (100 + each) * 1_000_000L))];

        Assert.Equal(10, Growth.MegabytesPerHour(samples)!.Value, precision: 6);
        Assert.Null(Growth.MegabytesPerHour([(0, 1)]));
    }
}
