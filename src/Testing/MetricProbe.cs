using System.Diagnostics.Metrics;

namespace Weir.Testing;

/// <summary>
/// Collects measurements. Passed to the code under test as its <see cref="IMeterFactory"/>, it receives those of that code's meters
/// only, so tests may run in parallel. Thread-safe.
/// </summary>
public sealed class MetricProbe : IMeterFactory
{
    private readonly Lock _lock = new();
    private readonly MeterListener _listener = new();
    private readonly List<Meter> _meters = [];
    private readonly Dictionary<(string Instrument, string Tags), Series> _series = [];

    /// <param name="meterName">
    /// Also receives every meter of this name in the process, for a meter factory that the test cannot replace.
    /// </param>
    public MetricProbe(string? meterName = null)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, this) || instrument.Meter.Name == meterName)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<byte>((i, value, tags, _) => Add(i, value, tags));
        _listener.SetMeasurementEventCallback<short>((i, value, tags, _) => Add(i, value, tags));
        _listener.SetMeasurementEventCallback<int>((i, value, tags, _) => Add(i, value, tags));
        _listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Add(i, value, tags));
        _listener.SetMeasurementEventCallback<float>((i, value, tags, _) => Add(i, value, tags));
        _listener.SetMeasurementEventCallback<double>((i, value, tags, _) => Add(i, value, tags));
        _listener.SetMeasurementEventCallback<decimal>((i, value, tags, _) => Add(i, (double)value, tags));
        _listener.Start();
    }

    /// <summary>Creates a meter whose measurements this probe collects.</summary>
    public Meter Create(MeterOptions options)
    {
        Meter meter = new(new MeterOptions(options.Name)
        {
            Version = options.Version,
            Tags = options.Tags,
            Scope = this,
            TelemetrySchemaUrl = options.TelemetrySchemaUrl,
        });
        lock (_lock)
        {
            _meters.Add(meter);
        }

        return meter;
    }

    /// <summary>
    /// Sum over all measurements that have the given tags, whatever others they have: of a counter its value, of an
    /// up-down counter its level, of a histogram its total; an observable instrument is read now.
    /// </summary>
    public double Sum(string instrument, params (string Key, object? Value)[] tags) =>
        Matching(instrument, tags).Sum(series => series.Sum);

    /// <summary>The number of measurements that have the given tags.</summary>
    public long Count(string instrument, params (string Key, object? Value)[] tags) =>
        Matching(instrument, tags).Sum(series => series.Count);

    /// <summary>Every set of tags an instrument was measured with.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, object?>> TagsOf(string instrument) =>
        [.. Matching(instrument, []).Select(series => series.Tags)];

    /// <summary>Disposes the meters, and ends the collection.</summary>
    public void Dispose()
    {
        _listener.Dispose();
        lock (_lock)
        {
            _meters.ForEach(meter => meter.Dispose());
            _meters.Clear();
        }
    }

    private List<Series> Matching(string instrument, (string Key, object? Value)[] tags)
    {
        _listener.RecordObservableInstruments();
        lock (_lock)
        {
            return
            [
                .. _series.Where(entry => entry.Key.Instrument == instrument)
                    .Select(entry => entry.Value with { })
                    .Where(series => tags.All(
                        tag => series.Tags.TryGetValue(tag.Key, out object? value) && Equals(value, tag.Value))),
            ];
        }
    }

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        KeyValuePair<string, object?>[] ordered = tags.ToArray();
        Array.Sort(ordered, (a, b) => string.CompareOrdinal(a.Key, b.Key));
        (string, string) key = (instrument.Name, string.Join('\n', ordered.Select(tag => $"{tag.Key}={tag.Value}")));
        lock (_lock)
        {
            if (!_series.TryGetValue(key, out Series? series))
            {
                _series.Add(key, series = new Series(new Dictionary<string, object?>(ordered)));
            }

            series.Sum = instrument.IsObservable ? value : series.Sum + value;
            series.Count++;
        }
    }

    private sealed record Series(IReadOnlyDictionary<string, object?> Tags)
    {
        public double Sum { get; set; }

        public long Count { get; set; }
    }
}
