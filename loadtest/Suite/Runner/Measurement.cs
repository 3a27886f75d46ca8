using HdrHistogram;
using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace Weir.LoadTest.Suite.Runner;

/// <summary>Successes and failures of one step, or of whole iterations. For one thread at a time.</summary>
internal sealed class Measurement
{
    private const long MostMicroseconds = 3_600_000_000;

    private readonly LongHistogram[] _latencies = [NewHistogram(), NewHistogram()];
    private readonly long[] _bytes = [0, 0];
    private readonly Dictionary<(string Code, bool IsError), StatusCodeStats> _codes = [];

    public int Failures => (int)_latencies[1].TotalCount;

    /// <param name="bytes">Of the response, and of others that are counted with it.</param>
    public void Record(IResponse response, long microseconds, long bytes)
    {
        int which = response.IsError ? 1 : 0;
        _latencies[which].RecordValue(Math.Clamp(microseconds, 1, MostMicroseconds));
        _bytes[which] += bytes;
        if (response.StatusCode.Length == 0)
        {
            return; // its message is not counted either, as in NBomber
        }

        (string, bool) code = (response.StatusCode, response.IsError);
        StatusCodeStats before = _codes.GetValueOrDefault(code) ?? new(response.StatusCode, response.IsError, response.Message, 0);
        _codes[code] = before with { Count = before.Count + 1 };
    }

    public MeasurementStats Ok(TimeSpan duration) => Stats(0, duration);

    public MeasurementStats Fail(TimeSpan duration) => Stats(1, duration);

    private static LongHistogram NewHistogram() => new(MostMicroseconds, numberOfSignificantValueDigits: 3);

    private MeasurementStats Stats(int which, TimeSpan duration)
    {
        LongHistogram latencies = _latencies[which];
        int count = (int)latencies.TotalCount;
        double At(double percentile) => count == 0 ? 0 : latencies.GetValueAtPercentile(percentile) / 1000.0;
        return new MeasurementStats(
            new RequestStats(count, duration > TimeSpan.Zero ? count / duration.TotalSeconds : 0),
            new LatencyStats(At(0), count == 0 ? 0 : latencies.GetMean() / 1000, At(100), At(50), At(75), At(95), At(99)),
            new DataTransferStats(_bytes[which]),
            [.. _codes.Values.Where(each => each.IsError == (which == 1))]);
    }
}
