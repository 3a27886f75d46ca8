using Weir.Relay.Brokers;

namespace Weir.Brokers.Kafka.Presence;

/// <summary>
/// The clients that this node has recorded, for the answer to a node that asks. Guarded by its gate, which callers hold until the record
/// that belongs to a change has been handed to the writer: an answer then never follows a leave.
/// </summary>
internal sealed class OwnPresence(TimeProvider time)
{
    private readonly Dictionary<(string Room, string Client), Entry> _own = [];

    public Lock Gate { get; } = new();

    public void SetInsideGate(string room, RoomMember member, TimeSpan lifetime)
        => _own[(room, member.Client)] = new Entry(member, lifetime, time.GetTimestamp());

    public void RemoveInsideGate(string room, string client) => _own.Remove((room, client));

    /// <summary>Returns all clients with the rest of their lifetimes, and drops those that were not refreshed.</summary>
    public List<(string Room, RoomMember Member, TimeSpan Left)> ReadInsideGate()
    {
        List<(string Room, RoomMember Member, TimeSpan Left)> present = [];
        foreach (((string room, string client), Entry entry) in _own)
        {
            TimeSpan rest = entry.Lifetime - time.GetElapsedTime(entry.SetAt);
            if (rest > TimeSpan.Zero)
            {
                present.Add((room, entry.Member, rest));
            }
            else
            {
                _own.Remove((room, client)); // permitted while enumerating
            }
        }

        return present;
    }

    private readonly record struct Entry(RoomMember Member, TimeSpan Lifetime, long SetAt);
}
