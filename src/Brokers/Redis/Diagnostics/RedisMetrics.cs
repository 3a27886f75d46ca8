using System.Diagnostics.Metrics;
using System.Net;

namespace Weir.Brokers.Redis.Diagnostics;

/// <summary>The meter <c>Weir.Brokers.Redis</c>.</summary>
internal sealed class RedisMetrics
{
    public const string MeterName = "Weir.Brokers.Redis";

    private volatile IReadOnlyDictionary<EndPoint, bool> _masters = new Dictionary<EndPoint, bool>();

    public RedisMetrics(IMeterFactory? factory)
    {
        Meter meter = factory?.Create(new MeterOptions(MeterName)) ?? new Meter(MeterName);
        meter.CreateObservableGauge(
            "weir.redis.master_up", Measure, "1", "1 for each master that stored and announced the last probe, else 0.");
    }

    /// <summary>Records the result of the last probe: each master, and whether it stored and announced it.</summary>
    public void Note(IReadOnlyDictionary<EndPoint, bool> masters) => _masters = masters;

    private IEnumerable<Measurement<int>> Measure()
        => _masters.Select(static master => new Measurement<int>(
            master.Value ? 1 : 0, new KeyValuePair<string, object?>("server.address", master.Key.ToString())));
}
