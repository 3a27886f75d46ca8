namespace Weir.Relay.Brokers;

/// <summary>Which connected clients may subscribe to a room.</summary>
public enum RoomAccess
{
    /// <summary>Clients whose token names the room or a pattern that it matches, or that send a token for the room.</summary>
    Granted,

    /// <summary>All clients.</summary>
    Open,

    /// <summary>Clients that send a token for this very room, or that the server subscribes: a pattern is not enough.</summary>
    Private,
}

/// <summary>Which clients may publish to a room.</summary>
public enum RoomPublishing
{
    /// <summary>Clients that may subscribe; if a client's token lists where it may publish, only there.</summary>
    Members,

    /// <summary>Clients whose token permits it.</summary>
    Granted,

    /// <summary>No clients: only back ends publish.</summary>
    Nobody,
}
