namespace Weir.Relay;

/// <summary>Who may listen to a room, of those who may connect.</summary>
public enum RoomAccess
{
    /// <summary>Whose token names the room or a pattern that it matches, or who brings a token for the room.</summary>
    Granted,

    /// <summary>Everybody.</summary>
    Open,

    /// <summary>Who brings a token for this very room, or is put into it by the server: a pattern is not enough.</summary>
    Private,
}

/// <summary>Which clients may publish to a room.</summary>
public enum RoomPublishing
{
    /// <summary>Who may listen; whose token says where it may publish only there.</summary>
    Members,

    /// <summary>Whose token says so.</summary>
    Granted,

    /// <summary>None: what is published there comes from back ends.</summary>
    Nobody,
}
