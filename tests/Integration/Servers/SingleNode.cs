using Weir.Host.Features.Auth;
using Weir.Host.Features.Rooms;
using Weir.Relay;
using Weir.Relay.Access;
using Weir.Relay.Nodes;

namespace Weir.Integration.Servers;

/// <summary>The Host's relay in an application with the defaults: one node, no history.</summary>
internal static class SingleNode
{
    public static RelayHandler NewRelay()
    {
        RelayNode node = new(new MemoryBroker());
        Task started = node.StartAsync();
        return started.IsCompletedSuccessfully ? new RelayHandler(node, new AccessResponses(OpenAccess.Instance, RejectKind.Close))
            : throw new InvalidOperationException("A broker in memory starts at once.");
    }
}
