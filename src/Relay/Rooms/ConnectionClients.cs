using Weir.Connections;

namespace Weir.Relay.Rooms;

/// <summary>
/// The node's WebSocket connections as clients: known by <see cref="RelayNode.ClientIdOf"/>, of no user. What a protocol
/// layer knows of them besides is its own to say.
/// </summary>
internal sealed class ConnectionClients(WeirEngine engine, RelayNode node) : IRelayClients
{
    public int Count => engine.Connections.Count;

    public void Disconnect(Disconnection what)
    {
        string prefix = node.NodeId + "-";
        if (what.Client.StartsWith(prefix, StringComparison.Ordinal))
        {
            engine.Connections.Find(what.Client[prefix.Length..])?.Close(what.Code, what.Reason);
        }
    }
}
