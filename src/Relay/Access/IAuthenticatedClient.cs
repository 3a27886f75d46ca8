using Weir.Connections;

namespace Weir.Relay.Access;

/// <summary>
/// May be implemented by <see cref="WeirConnection.State"/>, so that the connections of a user are found when they are to be disconnected.
/// </summary>
public interface IAuthenticatedClient
{
    /// <summary>Gets the client's identity.</summary>
    ClientIdentity Identity { get; }
}
