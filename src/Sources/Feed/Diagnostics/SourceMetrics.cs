using System.Diagnostics.Metrics;

namespace Weir.Sources.Diagnostics;

/// <summary>The meter <c>Weir.Sources</c>.</summary>
internal sealed class SourceMetrics
{
    public const string MeterName = "Weir.Sources";

    private readonly Counter<long> _records;

    public SourceMetrics(IMeterFactory? factory)
    {
        Meter meter = factory?.Create(new MeterOptions(MeterName)) ?? new Meter(MeterName);
        _records = meter.CreateCounter<long>("weir.source.records", "{record}", "Records of sources, by what has become of them.");
    }

    public void Handled(string source, string result) => _records.Add(
        1, new KeyValuePair<string, object?>("weir.source", source), new KeyValuePair<string, object?>("weir.result", result));
}
