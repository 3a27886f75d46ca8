using System.Globalization;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Relay.Rooms;
using Weir.Rooms;
using Weir.Testing;

namespace Weir.Relay.Tests.Nodes;

/// <summary>The audience of a protocol that only records its calls, and its factory.</summary>
internal sealed class NotingAudiences : IRoomAudienceFactory
{
    public IRoomAudience Create(LocalRoom room) => new NotingAudience();
}

internal sealed class NotingAudience : IRoomAudience
{
    // The room's calls never overlap; calls to leave come from other threads.
    private Listener[] _listeners = [];

    public void Add(Listener listener)
    {
        lock (this)
        {
            _listeners = [.. _listeners, listener];
        }
    }

    public void Remove(Listener listener)
    {
        lock (this)
        {
            _listeners = [.. _listeners.Where(each => each != listener)];
        }
    }

    public void OnPublication(LocalRoom room, Publication publication, IRoomMember? except)
        => Record($"{publication.Offset}:{publication.Text()}");

    public void OnPresenceChanged(LocalRoom room, RoomMember member, bool hasJoined) => Record((hasJoined ? "+" : "-") + member.Client);

    public void OnPositionLost(LocalRoom room, StreamPosition now, PositionLoss reason) => Record($"lost {reason} {now.Epoch}:{now.Offset}");

    private void Record(string what)
    {
        foreach (Listener listener in Volatile.Read(ref _listeners))
        {
            listener.Note(what);
        }
    }
}

/// <summary>Records its calls: "recovered e:5", "not recovered e:5", then missed and later publications, as "OFFSET:TEXT".</summary>
internal sealed class Listener : IRoomListener
{
    private readonly List<string> _received = [];

    public NotingAudience? Audience { get; private set; }

    public IReadOnlyList<string> Received
    {
        get
        {
            lock (_received)
            {
                return [.. _received];
            }
        }
    }

    /// <summary>Offsets of the received publications, in their order.</summary>
    public IReadOnlyList<long> Offsets =>
    [
        .. Received.Where(static each => char.IsDigit(each[0]))
            .Select(static each => long.Parse(each[..each.IndexOf(':', StringComparison.Ordinal)], CultureInfo.InvariantCulture)),
    ];

    public void OnSubscribed(IRoomAudience audience, Recovery recovery)
    {
        Note($"{(recovery.IsRecovered ? "recovered" : "not recovered")} {recovery.Position.Epoch}:{recovery.Position.Offset}");
        foreach (Publication publication in recovery.Publications)
        {
            Note($"{publication.Offset}:{publication.Text()}");
        }

        Audience = (NotingAudience)audience;
        Audience.Add(this);
    }

    public void Note(string what)
    {
        lock (_received)
        {
            _received.Add(what);
        }
    }

    public async Task ReceivesAsync(params string[] all)
    {
        await Bounded.Eventually(() => Received.Count >= all.Length, what: $"{all.Length} events received, last {all.LastOrDefault()}");
        Xunit.Assert.Equal(all, Received);
    }
}
