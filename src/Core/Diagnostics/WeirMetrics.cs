using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Weir.Diagnostics;

/// <summary>The meter <c>Weir</c>: one per application. Recording never throws and, with nobody listening, costs a check.</summary>
internal sealed class WeirMetrics
{
    public const string MeterName = "Weir";

    // Network times. The exporters' own default buckets are made for milliseconds.
    private static readonly InstrumentAdvice<double> _seconds = new()
    {
        HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    private readonly UpDownCounter<long> _active;
    private readonly Counter<long> _closed;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _tooSlow;
    private readonly Counter<long> _highWater;
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _missed;
    private readonly Counter<long> _drained;
    private readonly Histogram<double> _roundTrip;

    public WeirMetrics(IMeterFactory? factory)
    {
        Meter meter = factory?.Create(new MeterOptions(MeterName)) ?? new Meter(MeterName);
        _active = meter.CreateUpDownCounter<long>(
            "weir.connections.active", "{connection}", "WebSocket connections that are open now.");
        _closed = meter.CreateCounter<long>(
            "weir.connections.closed", "{connection}", "Connections that have ended, by close code and by who began.");
        _refused = meter.CreateCounter<long>(
            "weir.handshakes.refused", "{handshake}", "Opening handshakes answered with an HTTP error, closed at once (101) or timed out (0), by status.");
        _tooSlow = meter.CreateCounter<long>(
            "weir.connections.too_slow", "{connection}", "Connections closed because the client read too slowly.");
        _highWater = meter.CreateCounter<long>(
            "weir.pressure.episodes", "{episode}", "Times that a connection's high-water mark was passed.");
        _dropped = meter.CreateCounter<long>(
            "weir.messages.dropped", "{message}", "Messages dropped because the client read too slowly, by policy.");
        _missed = meter.CreateCounter<long>(
            "weir.heartbeats.missed", "{connection}", "Connections cut because nothing came within the heartbeat's time.");
        _drained = meter.CreateCounter<long>(
            "weir.connections.drained", "{connection}", "Connections told to go because the node shuts down.");
        _roundTrip = meter.CreateHistogram<double>(
            "weir.ping.duration", "s", "From a Ping to its Pong.", tags: null, _seconds);
        WheelLag = meter.CreateHistogram<double>(
            "weir.wheel.lag", "s", "How late the ticks of the timer wheels were run.", tags: null, _seconds);
        meter.CreateObservableUpDownCounter(
            "weir.connections.by_state", States.Measure, "{connection}", "Connections by state; handshake is those whose first request is not answered.");
        meter.CreateObservableGauge("weir.drain.active", () => DrainRemaining?.Invoke() is null ? 0 : 1, unit: null, "1 once the node shuts down.");
        meter.CreateObservableGauge(
            "weir.drain.remaining", MeasureDrain, "{connection}", "Connections that have not ended; only once the node shuts down.");
        meter.CreateObservableUpDownCounter("weir.pending", () => PendingBytes?.Invoke() ?? 0, "By", "Bytes waiting for slow clients.");
        meter.CreateObservableCounter("weir.messages.received", () => Received.Messages, "{message}", "Data messages received.");
        meter.CreateObservableCounter("weir.bytes.received", () => Received.Bytes, "By", "Payload bytes received, decompressed.");
        meter.CreateObservableCounter("weir.messages.sent", () => Sent.Messages, "{message}", "Data messages accepted for sending.");
        meter.CreateObservableCounter("weir.bytes.sent", () => Sent.Bytes, "By", "Payload bytes accepted for sending, before compression.");
    }

    public TrafficCounters Received { get; } = new();

    public TrafficCounters Sent { get; } = new();

    public ConnectionStates States { get; } = new();

    /// <summary>For the timer wheels, which know nothing of this class.</summary>
    public Histogram<double> WheelLag { get; }

    /// <summary>Connections that have not ended, once the node shuts down; null before.</summary>
    public Func<int?>? DrainRemaining { get; set; }

    /// <summary>Where the bytes that wait are counted.</summary>
    public Func<long>? PendingBytes { get; set; }

    public void Opened()
    {
        States.Opened();
        _active.Add(1);
    }

    public void Closed(WeirClosure closure)
    {
        States.Closed();
        _active.Add(-1);
        if (_closed.Enabled)
        {
            // Codes of the application's own range come from clients as well: one tag for all keeps the series few.
            int code = (int)closure.Code;
            TagList tags = new()
            {
                { "weir.close.code", code is >= 1000 and < 1016 ? code.ToString(System.Globalization.CultureInfo.InvariantCulture) : "application" },
                { "weir.close.initiator", NameOf(closure.Initiator) },
            };
            _closed.Add(1, tags);
        }
    }

    public void TooSlow() => _tooSlow.Add(1);

    public void Pressure(bool isHigh)
    {
        if (isHigh)
        {
            _highWater.Add(1);
        }
    }

    public void Dropped(int messages, PressurePolicy policy)
    {
        if (_dropped.Enabled)
        {
            _dropped.Add(messages, new KeyValuePair<string, object?>("weir.policy", NameOf(policy)));
        }
    }

    public void Drained(int connections) => _drained.Add(connections);

    public void HeartbeatMissed() => _missed.Add(1);

    public void PingRoundTrip(TimeSpan time) => _roundTrip.Record(time.TotalSeconds);

    /// <param name="statusCode">The HTTP status; 0 when the head did not come in time.</param>
    /// <param name="reason">One of a few names.</param>
    public void Refused(int statusCode, string reason)
    {
        if (_refused.Enabled)
        {
            TagList tags = new() { { "http.response.status_code", statusCode }, { "weir.refusal.reason", reason } };
            _refused.Add(1, tags);
        }
    }

    private IEnumerable<Measurement<int>> MeasureDrain()
        => DrainRemaining?.Invoke() is { } remaining ? [new Measurement<int>(remaining)] : [];

    private static string NameOf(PressurePolicy policy) => policy switch
    {
        PressurePolicy.DropNewest => "drop_newest",
        PressurePolicy.DropOldest => "drop_oldest",
        PressurePolicy.KeepLatest => "keep_latest",
        _ => "close",
    };

    private static string NameOf(CloseInitiator initiator) => initiator switch
    {
        CloseInitiator.Client => "client",
        CloseInitiator.Server => "server",
        CloseInitiator.Engine => "engine",
        _ => "transport",
    };
}
