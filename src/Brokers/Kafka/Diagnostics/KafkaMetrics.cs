using System.Diagnostics.Metrics;

namespace Weir.Brokers.Kafka.Diagnostics;

/// <summary>The meter <c>Weir.Brokers.Kafka</c>.</summary>
internal sealed class KafkaMetrics
{
    public const string MeterName = "Weir.Brokers.Kafka";

    private readonly Counter<long> _missed;

    public KafkaMetrics(IMeterFactory? factory)
    {
        Meter meter = factory?.Create(new MeterOptions(MeterName)) ?? new Meter(MeterName);
        meter.CreateObservableGauge(
            "weir.kafka.partitions_up", () => PartitionsUp(), "{partition}", "Partitions whose last probe has returned in time.");
        meter.CreateObservableGauge("weir.kafka.partitions", () => Partitions(), "{partition}", "Partitions of the topic.");
        meter.CreateObservableGauge("weir.kafka.lag", () => Lag(), "{record}", "Records that this node has not read yet.");
        meter.CreateObservableGauge(
            "weir.kafka.present", () => Present(), "{client}", "Clients in rooms with presence, of all nodes, in this node's memory.");
        _missed = meter.CreateCounter<long>(
            "weir.kafka.gaps", "{gap}", "Times that records of a partition no longer existed when this node was to read them.");
    }

    public Func<int> PartitionsUp { get; set; } = static () => 0;

    public Func<int> Partitions { get; set; } = static () => 0;

    public Func<long> Lag { get; set; } = static () => 0;

    public Func<int> Present { get; set; } = static () => 0;

    public void Missed() => _missed.Add(1);
}
