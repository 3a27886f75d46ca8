using System.Diagnostics;
using HdrHistogram;
using HdrHistogram.Iteration;

namespace Weir.LoadTest.Measuring;

/// <summary>Latencies in microseconds, up to an hour, to three digits. Any number of them can be put together into one.</summary>
internal sealed class Latency
{
    private const long Most = 3_600_000_000;

    private readonly LongHistogram _histogram = new(Most, numberOfSignificantValueDigits: 3);

    public long Count => _histogram.TotalCount;

    /// <summary>In milliseconds; 0 if there is none.</summary>
    public double Mean => Count == 0 ? 0 : _histogram.GetMean() / 1000;

    /// <summary>Records the time since a timestamp: when a thing was begun, or better, when it was due to begin.</summary>
    public void RecordSince(long timestamp) => Record((long)Stopwatch.GetElapsedTime(timestamp).TotalMicroseconds, 1);

    public void Record(long microseconds, long count) => _histogram.RecordValueWithCount(Math.Clamp(microseconds, 1, Most), count);

    /// <summary>In milliseconds; 0 if there is none.</summary>
    public double At(double percentile) => Count == 0 ? 0 : _histogram.GetValueAtPercentile(percentile) / 1000.0;

    /// <summary>What was recorded, as value, count, value, count; and begins anew.</summary>
    public long[] Take()
    {
        if (Count == 0)
        {
            return [];
        }

        long[] counts = [.. _histogram.RecordedValues()
            .SelectMany(static each => new[] { each.ValueIteratedTo, each.CountAddedInThisIterationStep })];
        _histogram.Reset();
        return counts;
    }

    /// <summary>Adds what <see cref="Take"/> of another gave.</summary>
    public void Add(IReadOnlyList<long> counts)
    {
        for (int i = 0; i < counts.Count; i += 2)
        {
            Record(counts[i], counts[i + 1]);
        }
    }

    /// <summary>
    /// The same as a client would have seen it that does not wait for the last answer before it sends again: while one takes
    /// longer than the interval, those that were held up would have taken what is left of it.
    /// </summary>
    public Latency CorrectedFor(long intervalMicroseconds)
    {
        Latency corrected = new();
        foreach (HistogramIterationValue each in _histogram.RecordedValues())
        {
            corrected.Record(each.ValueIteratedTo, each.CountAddedInThisIterationStep);
            for (long held = each.ValueIteratedTo - intervalMicroseconds; intervalMicroseconds > 0
                && held >= intervalMicroseconds; held -= intervalMicroseconds)
            {
                corrected.Record(held, each.CountAddedInThisIterationStep);
            }
        }

        return corrected;
    }

    /// <summary>Percentiles and their milliseconds, closer together towards 100.</summary>
    public IReadOnlyList<PercentilePoint> Distribution() => Count == 0
        ? []
        : [.. _histogram.Percentiles(5)
            .Select(static each => new PercentilePoint(each.PercentileLevelIteratedTo, each.ValueIteratedTo / 1000.0))];
}
