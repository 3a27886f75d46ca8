using Weir.Protocol;

namespace Weir.Relay.Nodes;

/// <summary>
/// The clients of one protocol on this node, for requests to all nodes: to count clients and to disconnect some. Added by
/// <see cref="RelayNode.AddClients"/>; thread-safe.
/// </summary>
public interface IRelayClients
{
    /// <summary>Clients that are connected now.</summary>
    int Count { get; }

    /// <summary>Different users among them; 0 if the protocol has no users.</summary>
    int Users => 0;

    /// <summary>Disconnects the clients that match; other protocols and nodes receive the same call.</summary>
    void Disconnect(Disconnection what);

    /// <summary>
    /// Processes a client's message that arrived outside its own connection, see <see cref="RelayNode.PassOnAsync"/>.
    /// </summary>
    /// <param name="session">The secret by which the client names its session.</param>
    /// <param name="data">The message; kept by the implementation that accepts it.</param>
    /// <returns>False if the session is not one of these clients'.</returns>
    bool TryTake(string session, ReadOnlyMemory<byte> data) => false;
}

/// <summary>The connections to end.</summary>
/// <param name="User">All clients of this user; empty: not by user.</param>
/// <param name="Client">This client only; empty: all of the user's.</param>
/// <param name="Code">The close code.</param>
/// <param name="Reason">The close reason, at most 123 bytes of UTF-8.</param>
public sealed record Disconnection(string User, string Client, CloseCode Code, string Reason);

/// <summary>One node, as it last announced itself.</summary>
/// <param name="Id">See <see cref="RelayNode.NodeId"/>.</param>
/// <param name="Name">See <see cref="RelayOptions.NodeName"/>.</param>
/// <param name="Clients">Clients of all protocols.</param>
/// <param name="Users">Different users among them.</param>
/// <param name="Rooms">Rooms with members on that node.</param>
/// <param name="Uptime">How long it has been up.</param>
public sealed record NodeInfo(string Id, string Name, int Clients, int Users, int Rooms, TimeSpan Uptime)
{
    /// <summary>
    /// A digest of its <see cref="RelayOptions.Rules"/>, equal on nodes with equal rules; empty if the node's version does not report it.
    /// </summary>
    public string Rules { get; init; } = "";
}
