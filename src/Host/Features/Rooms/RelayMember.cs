using Weir.Relay.Access;
using Weir.Relay.Rooms;

namespace Weir.Host.Features.Rooms;

/// <summary>The connection state of a relay client that is authenticated, or in several rooms.</summary>
internal sealed class RelayMember(ClientIdentity identity, LocalRoom[] rooms) : IAuthenticatedClient
{
    public ClientIdentity Identity => identity;

    public LocalRoom[] Rooms => rooms;
}
