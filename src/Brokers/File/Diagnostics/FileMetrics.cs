using System.Diagnostics.Metrics;

namespace Weir.Brokers.File.Diagnostics;

/// <summary>The meter <c>Weir.Brokers.File</c>.</summary>
internal sealed class FileMetrics
{
    public const string MeterName = "Weir.Brokers.File";

    private static readonly InstrumentAdvice<double> _seconds = new()
    {
        HistogramBucketBoundaries = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    };

    private readonly Histogram<double> _sync;
    private readonly Counter<long> _notStored;
    private readonly Counter<long> _snapshots;
    private long _logBytes;
    private long _snapshotBytes;

    public FileMetrics(IMeterFactory? factory)
    {
        Meter meter = factory?.Create(new MeterOptions(MeterName)) ?? new Meter(MeterName);
        _sync = meter.CreateHistogram(
            "weir.file.sync.duration", "s", "How long the disk took to confirm what was written.", advice: _seconds);
        _notStored = meter.CreateCounter<long>(
            "weir.file.publications.not_stored", "{publication}", "Publications that the disk did not store.");
        _snapshots = meter.CreateCounter<long>("weir.file.snapshots", "{snapshot}", "Snapshots that were completed.");
        meter.CreateObservableGauge(
            "weir.file.log.size", () => Volatile.Read(ref _logBytes), "By", "Bytes of the log that is written to.");
        meter.CreateObservableGauge(
            "weir.file.snapshot.size", () => Volatile.Read(ref _snapshotBytes), "By", "Bytes of the last snapshot.");
    }

    public void Synchronized(TimeSpan duration) => _sync.Record(duration.TotalSeconds);

    public void NotStored() => _notStored.Add(1);

    public void SetLogBytes(long bytes) => Volatile.Write(ref _logBytes, bytes);

    public void SnapshotWritten(long bytes)
    {
        _snapshots.Add(1);
        Volatile.Write(ref _snapshotBytes, bytes);
    }
}
