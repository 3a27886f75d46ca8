using Weir.Connections;

namespace Weir.Relay.Rooms;

/// <summary>
/// The node's WebSocket connections as clients: known by <see cref="RelayNode.ClientIdOf"/>, and by their user where their
/// state is an <see cref="IKnownClient"/>. What a protocol layer knows of them besides is its own to say.
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
        else if (what.Client.Length == 0 && what.User.Length > 0)
        {
            foreach (WeirConnection connection in engine.Connections.FindAll(
                each => each.State is IKnownClient known && known.Identity.User == what.User))
            {
                connection.Close(what.Code, what.Reason);
            }
        }
    }
}
