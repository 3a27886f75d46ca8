using System.Diagnostics.Metrics;

namespace Weir.Brokers.Postgres.Diagnostics;

/// <summary>The meter <c>Weir.Brokers.Postgres</c>.</summary>
internal sealed class PostgresMetrics
{
    public const string MeterName = "Weir.Brokers.Postgres";

    private static readonly KeyValuePair<string, object?>[] _lanes = [new("weir.lane", "kept"), new("weir.lane", "plain")];

    private readonly Histogram<int> _batches;
    private readonly Counter<long> _read;
    private readonly Counter<long> _moved;

    public PostgresMetrics(IMeterFactory? factory)
    {
        Meter meter = factory?.Create(new MeterOptions(MeterName)) ?? new Meter(MeterName);
        _batches = meter.CreateHistogram<int>(
            "weir.postgres.batch_size", "{request}", "Requests that were sent as one transaction.",
            advice: new InstrumentAdvice<int> { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] });
        _read = meter.CreateCounter<long>("weir.postgres.batches_read", "{batch}", "Batches of announcements that were read from the table.");
        _moved = meter.CreateCounter<long>("weir.postgres.outbox_moved", "{message}", "Publications that this node moved out of the outbox.");
    }

    public void Sent(int lane, int count) => _batches.Record(count, _lanes[lane]);

    public void Read(int lane) => _read.Add(1, _lanes[lane]);

    public void Moved(int count) => _moved.Add(count);
}
