using Weir.Relay;

namespace Weir.Host.Handlers;

/// <summary>A client of the relay that is somebody, or in several rooms: what its connection's state is.</summary>
internal sealed class RelayClient(ClientIdentity identity, LocalRoom[] rooms) : IKnownClient
{
    public ClientIdentity Identity => identity;

    public LocalRoom[] Rooms => rooms;
}
