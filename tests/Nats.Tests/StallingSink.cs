using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;

namespace Weir.Brokers.Nats.Tests;

/// <summary>A node that can be held up while it takes a publication, as a machine does that has no time for it.</summary>
internal sealed class StallingSink : IBrokerSink, IDisposable
{
    private readonly ManualResetEventSlim _mayContinue = new(initialState: true);

    public RecordingSink Recorded { get; } = new("node-" + Guid.NewGuid().ToString("N"));

    public string NodeId => Recorded.NodeId;

    public void Stall() => _mayContinue.Reset();

    public void Continue() => _mayContinue.Set();

    public void OnPublication(string room, Publication publication, string epoch)
    {
        if (!_mayContinue.Wait(Bounded.DefaultLimit))
        {
            throw new TimeoutException("The sink was not continued.");
        }

        Recorded.OnPublication(room, publication, epoch);
    }

    public void OnPresenceChanged(string room, RoomMember member, bool hasJoined) => Recorded.OnPresenceChanged(room, member, hasJoined);

    public void OnControl(ReadOnlyMemory<byte> message) => Recorded.OnControl(message);

    public void OnHealthChanged(BrokerHealth health) => Recorded.OnHealthChanged(health);

    public void Dispose() => _mayContinue.Dispose();
}
