using System.Diagnostics.Metrics;

namespace Weir.Sources.Kafka.Diagnostics;

/// <summary>The meter <c>Weir.Sources.Kafka</c>.</summary>
internal sealed class KafkaSourceMetrics
{
    public const string MeterName = "Weir.Sources.Kafka";

    private readonly Counter<long> _gaps;

    public KafkaSourceMetrics(IMeterFactory? factory)
    {
        Meter meter = factory?.Create(new MeterOptions(MeterName)) ?? new Meter(MeterName);
        meter.CreateObservableGauge(
            "weir.source.kafka.lag", () => new Measurement<long>(Lag(), new KeyValuePair<string, object?>("weir.source", Topic)), "{record}",
            "Records of the partitions of this node that are not committed yet.");
        _gaps = meter.CreateCounter<long>(
            "weir.source.kafka.gaps", "{gap}", "Times that records no longer existed when they were to be read.");
    }

    /// <summary>The source's topic.</summary>
    public string Topic { get; set; } = "";

    public Func<long> Lag { get; set; } = static () => 0;

    public void Missed() => _gaps.Add(1, new KeyValuePair<string, object?>("weir.source", Topic));
}
