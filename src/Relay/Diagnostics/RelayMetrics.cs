using System.Diagnostics;
using System.Diagnostics.Metrics;
using Weir.Relay.Brokers;

namespace Weir.Relay.Diagnostics;

/// <summary>The meter <c>Weir.Relay</c>. Recording never throws and, without a listener, costs a check.</summary>
internal sealed class RelayMetrics
{
    public const string MeterName = "Weir.Relay";

    private readonly Counter<long> _published;
    private readonly Counter<long> _filledIn;
    private readonly Counter<long> _lost;
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _recoveries;
    private readonly UpDownCounter<long> _streams;

    public RelayMetrics(IMeterFactory? factory)
    {
        Meter meter = factory?.Create(new MeterOptions(MeterName)) ?? new Meter(MeterName);
        _published = meter.CreateCounter<long>(
            "weir.relay.publishes", "{publication}", "Publications handed to the broker, by result.");
        _filledIn = meter.CreateCounter<long>(
            "weir.relay.filled_in", "{publication}", "Missed publications that were delivered from the history.");
        _lost = meter.CreateCounter<long>(
            "weir.relay.positions_lost", "{loss}", "Losses of a room's publications for its listeners, by reason.");
        _dropped = meter.CreateCounter<long>(
            "weir.relay.announcements_dropped", "{publication}",
            "Announcements dropped because they arrived faster than they could be delivered.");
        _recoveries = meter.CreateCounter<long>(
            "weir.relay.recoveries", "{subscription}",
            "Subscriptions that requested missed publications, by whether they got all of them.");
        _streams = meter.CreateUpDownCounter<long>(
            "weir.sse.active", "{stream}", "Server-Sent Events streams that are open now.");
        meter.CreateObservableUpDownCounter(
            "weir.relay.rooms", () => Rooms?.Invoke() ?? 0, "{room}", "Rooms with members on this node.");
        meter.CreateObservableGauge(
            "weir.relay.nodes_with_other_rules", () => NodesWithOtherRules?.Invoke() ?? 0, "{node}",
            "Other nodes whose room rules differ from this node's.");
        meter.CreateObservableGauge(
            "weir.relay.broker_up", () => IsUp?.Invoke() ?? false ? 1 : 0, "1", "1 while the broker can be reached.");
    }

    public Func<int>? Rooms { get; set; }

    public Func<int>? NodesWithOtherRules { get; set; }

    public Func<bool>? IsUp { get; set; }

    public void Published(string outcome)
    {
        if (_published.Enabled)
        {
            _published.Add(1, new KeyValuePair<string, object?>("weir.outcome", outcome));
        }
    }

    public void FilledIn(int publications) => _filledIn.Add(publications);

    public void PositionLost(PositionLoss reason)
    {
        if (_lost.Enabled)
        {
            _lost.Add(1, new KeyValuePair<string, object?>("weir.reason", NameOf(reason)));
        }
    }

    public void Dropped() => _dropped.Add(1);

    public void Recovery(bool isRecovered)
    {
        if (_recoveries.Enabled)
        {
            _recoveries.Add(1, new TagList { { "weir.recovered", isRecovered } });
        }
    }

    public void StreamOpened() => _streams.Add(1);

    public void StreamClosed() => _streams.Add(-1);

    public static string NameOf(PositionLoss reason) => reason switch
    {
        PositionLoss.EpochChanged => "epoch",
        PositionLoss.RolledBack => "rolled_back",
        _ => "trimmed",
    };
}
