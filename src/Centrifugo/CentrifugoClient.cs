using Weir.Relay;

namespace Weir.Centrifugo;

/// <summary>A client that is connected by Centrifugo's protocol, as an application sees it. Thread-safe.</summary>
public abstract class CentrifugoClient
{
    private protected CentrifugoClient(string id) => Id = id;

    /// <summary>What it is called on all nodes: in presence, in publications, for the API's disconnect.</summary>
    public string Id { get; }

    /// <summary>Who it is.</summary>
    public ClientIdentity Identity { get; private protected set; } = ClientIdentity.Anonymous;

    /// <summary>Sends it a message of its own, outside of all channels.</summary>
    /// <param name="data">JSON.</param>
    /// <exception cref="ArgumentException">It is no JSON.</exception>
    public abstract void Send(ReadOnlyMemory<byte> data);

    /// <summary>Ends its connection.</summary>
    /// <param name="code">From 3000 to 3499 and 4000 to 4499 it comes back, from 3500 to 3999 and 4500 to 4999 it does not.</param>
    /// <param name="reason">At most 123 bytes of UTF-8.</param>
    public abstract void Disconnect(CloseCode code, string reason);
}
