using System.Diagnostics.Metrics;

namespace Weir.Brokers.Nats.Diagnostics;

/// <summary>The meter <c>Weir.Brokers.Nats</c>.</summary>
internal sealed class NatsMetrics
{
    public const string MeterName = "Weir.Brokers.Nats";

    private readonly Counter<long> _conflicts;
    private readonly Counter<long> _disconnects;
    private volatile string? _address;
    private volatile bool _isStoring;

    public NatsMetrics(IMeterFactory? factory)
    {
        Meter meter = factory?.Create(new MeterOptions(MeterName)) ?? new Meter(MeterName);
        meter.CreateObservableGauge(
            "weir.nats.up", () => Measure(_address is not null), "1", "1 if the node is connected and its subscriptions are confirmed, else 0.");
        meter.CreateObservableGauge("weir.nats.storing", () => Measure(_isStoring), "1", "1 if JetStream stored the last probe, else 0.");
        _conflicts = meter.CreateCounter<long>(
            "weir.nats.conflicts", "{write}", "Writes that were repeated because another node's write to the room came first.");
        _disconnects = meter.CreateCounter<long>("weir.nats.disconnects", "{connection}", "Connections to NATS that were lost.");
    }

    /// <summary>Records the state: the server's address, <c>null</c> if there is no connection.</summary>
    public void Note(string? address, bool isStoring)
    {
        _address = address;
        _isStoring = isStoring;
    }

    public void OnConflict() => _conflicts.Add(1);

    public void OnDisconnected() => _disconnects.Add(1);

    private Measurement<int> Measure(bool value)
        => _address is { } address
            ? new Measurement<int>(value ? 1 : 0, new KeyValuePair<string, object?>("server.address", address))
            : new Measurement<int>(0);
}
