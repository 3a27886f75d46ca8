using Microsoft.Extensions.Logging;
using Weir.Relay.Brokers;
using Weir.Relay.Diagnostics;

namespace Weir.Relay.Rooms;

/// <summary>The clients of this node that are present in one room, and their records at the broker. Thread-safe.</summary>
/// <remarks>
/// The calls are made inside the lock, so that a refresh does not overtake a leave and show an absent client as present; a broker's call
/// only begins there. The next refresh repeats one that failed.
/// </remarks>
internal sealed class RoomPresence(string room, IBroker broker, TimeSpan lifetime, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, RoomMember> _members = new(StringComparer.Ordinal);

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _members.Count;
            }
        }
    }

    public void Set(RoomMember member)
    {
        lock (_gate)
        {
            _members[member.Client] = member;
            Watch(() => broker.SetPresenceAsync(room, member, lifetime, CancellationToken.None));
        }
    }

    public void Remove(string client)
    {
        lock (_gate)
        {
            if (_members.Remove(client))
            {
                Watch(() => broker.RemovePresenceAsync(room, client, CancellationToken.None));
            }
        }
    }

    public void Refresh()
    {
        lock (_gate)
        {
            foreach (RoomMember member in _members.Values)
            {
                Watch(() => broker.SetPresenceAsync(room, member, lifetime, CancellationToken.None));
            }
        }
    }

    private void Watch(Func<ValueTask> call)
    {
        try
        {
            ValueTask done = call();
            if (!done.IsCompletedSuccessfully)
            {
                _ = ObserveAsync(done);
            }
        }
        catch (BrokerUnavailableException error)
        {
            RelayLog.PresenceNotUpdated(logger, error, room);
        }
    }

    private async Task ObserveAsync(ValueTask done)
    {
        try
        {
            await done.ConfigureAwait(false);
        }
        catch (BrokerUnavailableException error)
        {
            RelayLog.PresenceNotUpdated(logger, error, room);
        }
        catch (Exception error)
        {
            RelayLog.BrokerFailed(logger, error, room);
        }
    }
}
