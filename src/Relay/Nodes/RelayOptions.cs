using Weir.Relay.Brokers;
using Weir.Relay.Rooms;
using Weir.Validation;

namespace Weir.Relay.Nodes;

/// <summary>The settings of a <see cref="RelayNode"/>. Read once, when it is created.</summary>
public sealed class RelayOptions
{
    private TimeSpan _positionCheckInterval = TimeSpan.FromSeconds(30);
    private TimeSpan _presenceLifetime = TimeSpan.FromSeconds(60);
    private TimeSpan _brokerTimeout = TimeSpan.FromSeconds(1);
    private int _maxPublishesInFlight = 8192;
    private int _maxPublishesInFlightPerRoom = 512;

    /// <summary>The name of this node in lists of nodes; default the machine's name.</summary>
    public string NodeName { get; set; } = Environment.MachineName;

    /// <summary>The rules of rooms; default: no history, no presence.</summary>
    public RoomRules Rules { get; set; } = new();

    /// <summary>
    /// How often each room with history compares its position with the broker's, so that a lost announcement is noticed also if no other
    /// follows; default 30 seconds. The rooms are spread over that time.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a second, or more than 24 days.</exception>
    public TimeSpan PositionCheckInterval
    {
        get => _positionCheckInterval;
        set => _positionCheckInterval = OptionRange.Duration(value, TimeSpan.FromSeconds(1), OptionRange.Longest);
    }

    /// <summary>
    /// How long a member of a node that has crashed is still shown as present; default 60 seconds. Refreshed every third of it.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a second, or more than 24 days.</exception>
    public TimeSpan PresenceLifetime
    {
        get => _presenceLifetime;
        set => _presenceLifetime = OptionRange.Duration(value, TimeSpan.FromSeconds(1), OptionRange.Longest);
    }

    /// <summary>
    /// The longest that a connection waits for the broker: to be in its room when it opens, and to publish while the permitted number of
    /// publishes is in flight; default 1 second, counted in eighths and only while the process runs. Only that connection's reading stops
    /// meanwhile. It does not wait for a broker that is unavailable. Zero: never.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 24 days.</exception>
    public TimeSpan BrokerTimeout
    {
        get => _brokerTimeout;
        set => _brokerTimeout = OptionRange.NotNegative(value);
    }

    /// <summary>
    /// The most publishes of this node in flight to the broker; default 8,192. Beyond it a publisher waits for <see cref="BrokerTimeout"/>,
    /// then its publish fails as if the broker were unavailable.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxPublishesInFlight
    {
        get => _maxPublishesInFlight;
        set => _maxPublishesInFlight = OptionRange.Number(value, 1, int.MaxValue);
    }

    /// <summary>
    /// As <see cref="MaxPublishesInFlight"/>, of one room, so that one cannot use all of the node's permits; default 512.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxPublishesInFlightPerRoom
    {
        get => _maxPublishesInFlightPerRoom;
        set => _maxPublishesInFlightPerRoom = OptionRange.Number(value, 1, int.MaxValue);
    }

    internal RelaySettings ToSettings() => new(
        NodeName,
        Rules,
        PositionCheckInterval,
        PresenceLifetime,
        BrokerTimeout,
        MaxPublishesInFlight,
        MaxPublishesInFlightPerRoom);
}
