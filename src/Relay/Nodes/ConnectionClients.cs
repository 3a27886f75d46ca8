using Weir.Closing;
using Weir.Connections;
using Weir.Relay.Access;

namespace Weir.Relay.Nodes;

/// <summary>
/// The node's WebSocket connections as clients: identified by <see cref="RelayNode.ClientIdOf"/>, and by their user if their state is an
/// <see cref="IAuthenticatedClient"/>. A protocol layer reports further data on them itself.
/// </summary>
internal sealed class ConnectionClients(WeirNode local, RelayNode node) : IRelayClients
{
    public int Count => local.Connections;

    public void Disconnect(Disconnection what)
    {
        string prefix = node.NodeId + "-";
        if (what.Client.StartsWith(prefix, StringComparison.Ordinal))
        {
            local.FindConnection(what.Client[prefix.Length..])?.Close(what.Code, what.Reason, CloseCause.AccessRevoked);
        }
        else if (what.Client.Length == 0 && what.User.Length > 0)
        {
            foreach (WeirConnection connection in local.FindConnections(
                each => each.State is IAuthenticatedClient known && known.Identity.User == what.User))
            {
                connection.Close(what.Code, what.Reason, CloseCause.AccessRevoked);
            }
        }
    }
}
