using Weir.Relay.Brokers;

namespace Weir.Bench.Postgres;

/// <summary>A node without rooms.</summary>
internal sealed class DeafSink : IBrokerSink
{
    public string NodeId => "bench";

    public void OnPublication(string room, Publication publication, string epoch)
    {
        // There are no subscriptions.
    }

    public void OnPresenceChanged(string room, RoomMember member, bool hasJoined)
    {
        // Nor presence.
    }

    public void OnControl(ReadOnlyMemory<byte> message)
    {
        // There is no other node.
    }

    public void OnHealthChanged(BrokerHealth health)
    {
        // Queried where it matters.
    }
}
