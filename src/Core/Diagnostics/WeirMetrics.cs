using System.Diagnostics;
using System.Diagnostics.Metrics;
using Weir.Closing;

namespace Weir.Diagnostics;

/// <summary>The meter <c>Weir</c>: one per application. Recording never throws and, without a listener, costs one check.</summary>
internal sealed class WeirMetrics
{
    public const string MeterName = "Weir";

    // Network times. The exporters' own default buckets are for milliseconds.
    private static readonly InstrumentAdvice<double> _seconds = new()
    {
        HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    // Those of kestrel.connection.duration and, because connections stay for long, more above.
    private static readonly InstrumentAdvice<double> _durations = new()
    {
        HistogramBucketBoundaries =
            [0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400],
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
    private readonly Histogram<double> _duration;

    public WeirMetrics(IMeterFactory? factory)
    {
        Meter meter = factory?.Create(new MeterOptions(MeterName)) ?? new Meter(MeterName);
        _active = meter.CreateUpDownCounter<long>(
            "weir.connections.active", "{connection}", "WebSocket connections that are open now.");
        _closed = meter.CreateCounter<long>(
            "weir.connections.closed", "{connection}", "Connections that have ended, by close code, initiator and cause.");
        _duration = meter.CreateHistogram<double>(
            "weir.connection.duration", "s", "Time from the opening of a connection to its end, by cause.", tags: null, _durations);
        _refused = meter.CreateCounter<long>(
            "weir.handshakes.refused",
            "{handshake}",
            "Opening handshakes answered with an HTTP error, closed immediately (101) or timed out (0), by status.");
        _tooSlow = meter.CreateCounter<long>(
            "weir.connections.too_slow", "{connection}", "Connections closed because the client read too slowly.");
        _highWater = meter.CreateCounter<long>(
            "weir.pressure.episodes", "{episode}", "Times that a connection's high-water mark was passed.");
        _dropped = meter.CreateCounter<long>(
            "weir.messages.dropped", "{message}", "Messages dropped because the client read too slowly, by policy.");
        _missed = meter.CreateCounter<long>(
            "weir.heartbeats.missed", "{connection}", "Connections aborted by the heartbeat timeout.");
        _drained = meter.CreateCounter<long>(
            "weir.connections.drained", "{connection}", "Connections closed because the node drains.");
        _roundTrip = meter.CreateHistogram<double>(
            "weir.ping.duration", "s", "Time from a Ping to its Pong.", tags: null, _seconds);
        WheelLag = meter.CreateHistogram<double>(
            "weir.wheel.lag", "s", "How late the ticks of the timer wheels were run.", tags: null, _seconds);
        meter.CreateObservableUpDownCounter(
            "weir.connections.by_state",
            States.Measure,
            "{connection}",
            "Connections by state; handshake: the first request has not been answered.");
        meter.CreateObservableGauge(
            "weir.drain.active", () => DrainRemaining?.Invoke() is null ? 0 : 1, unit: null, "1 once the node drains.");
        meter.CreateObservableGauge(
            "weir.drain.remaining", MeasureDrain, "{connection}", "Connections that have not ended; only once the node drains.");
        meter.CreateObservableUpDownCounter("weir.pending", () => PendingBytes?.Invoke() ?? 0, "By", "Bytes pending for slow clients.");
        meter.CreateObservableCounter("weir.messages.received", () => Received.Messages, "{message}", "Data messages received.");
        meter.CreateObservableCounter("weir.payload.received", () => Received.Bytes, "By", "Payload bytes received, decompressed.");
        meter.CreateObservableCounter("weir.messages.sent", () => Sent.Messages, "{message}", "Data messages accepted for sending.");
        meter.CreateObservableCounter("weir.payload.sent", () => Sent.Bytes, "By", "Payload bytes accepted for sending, before compression.");
    }

    public TrafficCounters Received { get; } = new();

    public TrafficCounters Sent { get; } = new();

    public ConnectionStates States { get; } = new();

    /// <summary>For the timer wheels, which do not depend on this class.</summary>
    public Histogram<double> WheelLag { get; }

    /// <summary>Connections that have not ended, once the node drains; <c>null</c> before.</summary>
    public Func<int?>? DrainRemaining { get; set; }

    /// <summary>Returns the pending bytes.</summary>
    public Func<long>? PendingBytes { get; set; }

    public void Opened()
    {
        States.Opened();
        _active.Add(1);
    }

    /// <param name="closure">How the connection ended.</param>
    /// <param name="duration">How long it was open, its closing handshake included.</param>
    public void Closed(in WeirClosure closure, TimeSpan duration)
    {
        States.Closed();
        _active.Add(-1);
        KeyValuePair<string, object?> cause = new("weir.close.cause", CloseCauses.NameOf(closure.Cause));
        _duration.Record(duration.TotalSeconds, cause);
        if (_closed.Enabled)
        {
            // Codes of the application's own range come from clients as well: one tag for all limits the number of series.
            int code = (int)closure.Code;
            TagList tags = new()
            {
                {
                    "weir.close.code",
                    code is >= 1000 and < 1016 ? code.ToString(System.Globalization.CultureInfo.InvariantCulture) : "application"
                },
                { "weir.close.initiator", NameOf(closure.Initiator) },
                cause,
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

    public void Dropped(int messages, string policy)
    {
        if (_dropped.Enabled)
        {
            _dropped.Add(messages, new KeyValuePair<string, object?>("weir.policy", policy));
        }
    }

    public void Drained(int connections) => _drained.Add(connections);

    public void HeartbeatMissed() => _missed.Add(1);

    public void PingRoundTrip(TimeSpan time) => _roundTrip.Record(time.TotalSeconds);

    /// <param name="statusCode">The HTTP status; 0 if the request header block did not arrive in time.</param>
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

    private static string NameOf(CloseInitiator initiator) => initiator switch
    {
        CloseInitiator.Client => "client",
        CloseInitiator.Server => "server",
        CloseInitiator.Engine => "engine",
        _ => "transport",
    };
}
