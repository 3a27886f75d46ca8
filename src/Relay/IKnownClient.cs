namespace Weir.Relay;

/// <summary>
/// What <see cref="WeirConnection.State"/> may be, so that the connections of a user are found when they are to be disconnected.
/// </summary>
public interface IKnownClient
{
    /// <summary>Who the client is.</summary>
    ClientIdentity Identity { get; }
}
