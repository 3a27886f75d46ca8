namespace Weir.Relay;

/// <summary>
/// The clients of one protocol on this node, for what is asked of all nodes: how many there are, and to end some. Given to
/// <see cref="RelayNode.AddClients"/>; thread-safe.
/// </summary>
public interface IRelayClients
{
    /// <summary>Clients that are connected now.</summary>
    int Count { get; }

    /// <summary>Different users among them; 0 where the protocol has none.</summary>
    int Users => 0;

    /// <summary>Ends the clients that are meant; those of other protocols and nodes are asked too.</summary>
    void Disconnect(Disconnection what);

    /// <summary>
    /// Takes what one of the clients has said on another way than its own connection, see
    /// <see cref="RelayNode.PassOnAsync"/>.
    /// </summary>
    /// <param name="session">The secret by which the client names its session.</param>
    /// <param name="data">What it has said; kept by whoever takes it.</param>
    /// <returns>False: it is not one of these.</returns>
    bool TryTake(string session, ReadOnlyMemory<byte> data) => false;
}

/// <summary>Whose connections are to end.</summary>
/// <param name="User">All clients of this user; empty: not by user.</param>
/// <param name="Client">This client only; empty: all of the user's.</param>
/// <param name="Code">The close code.</param>
/// <param name="Reason">The close reason, at most 123 bytes of UTF-8.</param>
public sealed record Disconnection(string User, string Client, CloseCode Code, string Reason);

/// <summary>One node, as it last said of itself.</summary>
/// <param name="Id">See <see cref="RelayNode.NodeId"/>.</param>
/// <param name="Name">See <see cref="RelayOptions.NodeName"/>.</param>
/// <param name="Clients">Clients of all protocols.</param>
/// <param name="Users">Different users among them.</param>
/// <param name="Rooms">Rooms with anybody on that node.</param>
/// <param name="Uptime">How long it has been up.</param>
public sealed record NodeInfo(string Id, string Name, int Clients, int Users, int Rooms, TimeSpan Uptime)
{
    /// <summary>
    /// A digest of its <see cref="RelayOptions.Rules"/>, equal on nodes whose rules are; empty if the node is of a version that
    /// does not say.
    /// </summary>
    public string Rules { get; init; } = "";
}
