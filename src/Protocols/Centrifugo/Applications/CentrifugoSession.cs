using Weir.Protocol;
using Weir.Relay.Access;

namespace Weir.Protocols.Centrifugo.Applications;

/// <summary>A client that is connected by Centrifugo's protocol, as the application addresses it. Thread-safe.</summary>
public abstract class CentrifugoSession
{
    private protected CentrifugoSession(string id) => Id = id;

    /// <summary>Gets the id of the client on all nodes: in presence, in publications, for the API's disconnect.</summary>
    public string Id { get; }

    /// <summary>Gets the identity of the client.</summary>
    public ClientIdentity Identity { get; private protected set; } = ClientIdentity.Anonymous;

    /// <summary>Sends a message to this client only, outside of all channels.</summary>
    /// <param name="data">JSON.</param>
    /// <exception cref="ArgumentException"><paramref name="data"/> is not JSON.</exception>
    public abstract void Send(ReadOnlyMemory<byte> data);

    /// <summary>Disconnects the client.</summary>
    /// <param name="code">With 3000 to 3499 and 4000 to 4499 the client reconnects, with 3500 to 3999 and 4500 to 4999 it does not.</param>
    /// <param name="reason">At most 123 bytes of UTF-8.</param>
    public abstract void Disconnect(CloseCode code, string reason);
}
