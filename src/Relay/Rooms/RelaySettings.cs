using Weir.Relay.Brokers;

namespace Weir.Relay.Rooms;

/// <summary>The settings of a node and its rooms, as copied from the options.</summary>
internal sealed record RelaySettings(
    string NodeName,
    RoomRules Rules,
    TimeSpan PositionCheckInterval,
    TimeSpan PresenceLifetime,
    TimeSpan BrokerTimeout,
    int MaxPublishesInFlight,
    int MaxPublishesInFlightPerRoom);
