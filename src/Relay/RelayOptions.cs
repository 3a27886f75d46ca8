namespace Weir.Relay;

/// <summary>The settings of a <see cref="RelayNode"/>. Read once, when it is made.</summary>
public sealed class RelayOptions
{
    private TimeSpan _positionCheckInterval = TimeSpan.FromSeconds(30);
    private TimeSpan _presenceLifetime = TimeSpan.FromSeconds(60);
    private TimeSpan _brokerPatience = TimeSpan.FromSeconds(1);
    private int _maxPublishesInFlight = 8192;
    private int _maxPublishesInFlightPerRoom = 512;

    /// <summary>What this node is called where nodes are listed; default the machine's name.</summary>
    public string NodeName { get; set; } = Environment.MachineName;

    /// <summary>How rooms are kept; default: no history, no presence.</summary>
    public RoomRules Rules { get; set; } = new();

    /// <summary>
    /// How often each room with history compares its position with the broker's, so that a lost announcement is noticed also
    /// when no other follows; default 30 seconds. The rooms are spread over that time.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a second, or more than 24 days.</exception>
    public TimeSpan PositionCheckInterval
    {
        get => _positionCheckInterval;
        set => _positionCheckInterval = OptionRange.Duration(value, TimeSpan.FromSeconds(1), OptionRange.Longest);
    }

    /// <summary>How long a member of a node that has died is still shown as present; default 60 seconds. Refreshed every third of it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a second, or more than 24 days.</exception>
    public TimeSpan PresenceLifetime
    {
        get => _presenceLifetime;
        set => _presenceLifetime = OptionRange.Duration(value, TimeSpan.FromSeconds(1), OptionRange.Longest);
    }

    /// <summary>
    /// The longest that a connection waits for the broker: to be in its room when it opens, and to publish when as many
    /// publishes as may be are on their way; default 1 second. Its reading rests meanwhile; nobody else's does. Not waited at
    /// all for a broker that is known to be away. Zero: never.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 24 days.</exception>
    public TimeSpan BrokerPatience
    {
        get => _brokerPatience;
        set => _brokerPatience = OptionRange.NotNegative(value);
    }

    /// <summary>
    /// The most publishes of this node that may be on their way to the broker; default 8,192. Beyond it a publisher waits for
    /// <see cref="BrokerPatience"/>, then its publish fails as if the broker were away.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxPublishesInFlight
    {
        get => _maxPublishesInFlight;
        set => _maxPublishesInFlight = OptionRange.Number(value, 1, int.MaxValue);
    }

    /// <summary>As <see cref="MaxPublishesInFlight"/>, of one room, so that one cannot take all of the node's; default 512.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxPublishesInFlightPerRoom
    {
        get => _maxPublishesInFlightPerRoom;
        set => _maxPublishesInFlightPerRoom = OptionRange.Number(value, 1, int.MaxValue);
    }
}
