namespace Weir.LoadTest.Measuring;

/// <summary>So many percent took no longer than this.</summary>
internal sealed record PercentilePoint(double Percentile, double Milliseconds);
