using HdrHistogram;
using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace Weir.LoadTest.Suite.Runner;

/// <summary>Successes and failures of one step, or of whole iterations. For one thread at a time.</summary>
internal sealed class Measurement
{
    private const long MostMicroseconds = 3_600_000_000;

    private readonly LongHistogram[] _latencies = [NewHistogram(), NewHistogram()];
    private readonly Dictionary<(string Code, bool IsError, string Message), int> _codes = [];

    public void Record(IResponse response, long microseconds)
    {
        _latencies[response.IsError ? 1 : 0].RecordValue(Math.Clamp(microseconds, 1, MostMicroseconds));
        (string, bool, string) code = (response.StatusCode, response.IsError, response.Message);
        _codes[code] = _codes.GetValueOrDefault(code) + 1;
    }

    public MeasurementStats Ok(TimeSpan duration) => Stats(_latencies[0], isError: false, duration);

    public MeasurementStats Fail(TimeSpan duration) => Stats(_latencies[1], isError: true, duration);

    private static LongHistogram NewHistogram() => new(MostMicroseconds, numberOfSignificantValueDigits: 3);

    private MeasurementStats Stats(LongHistogram latencies, bool isError, TimeSpan duration)
    {
        int count = (int)latencies.TotalCount;
        double At(double percentile) => count == 0 ? 0 : latencies.GetValueAtPercentile(percentile) / 1000.0;
        return new MeasurementStats(
            new RequestStats(count, duration > TimeSpan.Zero ? count / duration.TotalSeconds : 0),
            new LatencyStats(At(0), count == 0 ? 0 : latencies.GetMean() / 1000, At(100), At(50), At(75), At(95), At(99)),
            [.. _codes.Where(each => each.Key.IsError == isError)
                .Select(static each => new StatusCodeStats(each.Key.Code, each.Key.IsError, each.Key.Message, each.Value))]);
    }
}
