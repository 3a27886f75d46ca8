using Weir.LoadTest.Measuring;
using Xunit;

namespace Weir.LoadTest.Tests;

public sealed class LatencyTests
{
    [Fact]
    public void Take_AddedToAnother_GivesTheSamePercentiles()
    {
        Latency first = Of(Enumerable.Range(1, 1000).Select(static each => each * 100L));
        (double P50, double P99, double Most) whole = (first.At(50), first.At(99), first.At(100));

        Latency second = new();
        second.Add(first.Take());

        Assert.Equal(whole, (second.At(50), second.At(99), second.At(100)));
        Assert.Equal((0, 1000), (first.Count, second.Count));
        Assert.InRange(whole.P99, 98.5, 99.5); // ms
    }

    [Fact]
    public void Add_OfSeveral_IsAllOfThem()
    {
        Latency merged = new();
        merged.Add(Of(Enumerable.Repeat(1000L, 99)).Take());
        merged.Add(Of([50_000]).Take());

        Assert.Equal(100, merged.Count);
        Assert.InRange(merged.At(99), 0.99, 1.01);
        Assert.InRange(merged.At(100), 49, 51);
    }

    [Fact]
    public void CorrectedFor_OneStall_AddsThoseThatItHeldUp()
    {
        // One answer in a millisecond, a hundred times, then one that took a second: 999 were not sent meanwhile.
        Latency measured = Of([.. Enumerable.Repeat(1000L, 100), 1_000_000]);

        Latency corrected = measured.CorrectedFor(intervalMicroseconds: 1000);

        Assert.InRange(measured.At(50), 0.99, 1.01);
        Assert.InRange(corrected.Count, 1095, 1101);
        Assert.InRange(corrected.At(50), 430, 470);
        Assert.InRange(corrected.At(100), 995, 1005);
    }

    [Fact]
    public void None_Recorded_IsZeroEverywhere()
    {
        Latency none = new();

        Assert.Equal((0, 0.0, 0.0), (none.Count, none.At(99), none.Mean));
        Assert.Empty(none.Take());
        Assert.Empty(none.Distribution());
    }

    private static Latency Of(IEnumerable<long> microseconds)
    {
        Latency latency = new();
        foreach (long each in microseconds)
        {
            latency.Record(each, 1);
        }

        return latency;
    }
}
