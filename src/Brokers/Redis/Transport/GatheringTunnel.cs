using System.Net;
using System.Net.Sockets;
using StackExchange.Redis;
using StackExchange.Redis.Configuration;

namespace Weir.Brokers.Redis.Transport;

/// <summary>Puts a <see cref="GatheringStream"/> below each connection of the library, and below its TLS.</summary>
internal sealed class GatheringTunnel : Tunnel
{
    public override ValueTask<Stream?> BeforeAuthenticateAsync(
        EndPoint endpoint, ConnectionType connectionType, Socket? socket, CancellationToken cancellationToken)
        => new(socket is null ? null : new GatheringStream(new NetworkStream(socket, ownsSocket: true)));
}
