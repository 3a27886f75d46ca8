using System.Buffers;
using System.Text;
using Weir.Brokers.Testing;
using Weir.Closing;
using Weir.Diagnostics;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Relay.Rooms;
using Weir.Rooms;
using Weir.Sending;
using Weir.Testing;

namespace Weir.Relay.Tests.Nodes;

/// <summary>
/// A client that is no WebSocket connection: a raw member, and with <see cref="IRoomListener"/> a subscriber of its own protocol.
/// </summary>
internal sealed class ForeignMember(RelayNode node) : IRoomMember, IRoomListener
{
    private readonly List<string> _received = [];
    private bool _hasEnded;

    public RoomMemberships Memberships { get; } = new();

    public string Id { get; } = Guid.NewGuid().ToString("N");

    /// <summary>Text messages, "recovered EPOCH:OFFSET" and "close CODE REASON".</summary>
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

    public ForeignAudience? Audience { get; private set; }

    public void SendShared(SharedFrames frames, string? key, ref TrafficBatch sent)
    {
        for (int i = 0; i < frames.Count; i++)
        {
            Add(Encoding.UTF8.GetString(frames.GetMessage(i, out _).Span));
        }
    }

    public bool Close(CloseCode code, string reason, CloseCause cause)
    {
        if (Interlocked.Exchange(ref _hasEnded, true))
        {
            return false;
        }

        Memberships.Close();
        Add($"close {(int)code} {reason}");
        return true;
    }

    public void OnSubscribed(IRoomAudience audience, Recovery recovery)
    {
        Add($"{(recovery.IsRecovered ? "recovered" : "not recovered")} {recovery.Position.Epoch}:{recovery.Position.Offset}");
        foreach (Publication publication in recovery.Publications)
        {
            Add(publication.Text());
        }

        Audience = (ForeignAudience)audience;
        Audience.Add(this);
    }

    public void Add(string what)
    {
        lock (_received)
        {
            _received.Add(what);
        }
    }

    public Task SendAsync(LocalRoom room, string text)
        => node.PublishAsync(room, new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text)), MessageKind.Text, this).Within();

    public async Task ReceivesAsync(params string[] all)
    {
        await Bounded.Eventually(() => Received.Count >= all.Length, what: $"{all.Length} messages, last {all.LastOrDefault()}");
        Xunit.Assert.Equal(all, Received);
    }
}

/// <summary>The protocol of <see cref="ForeignMember"/>: leaves out the publisher, as raw members do.</summary>
internal sealed class ForeignAudience : IRoomAudience, IRoomAudienceFactory
{
    private ForeignMember[] _members = [];

    public IRoomAudience Create(LocalRoom room) => new ForeignAudience();

    public void Add(ForeignMember member)
    {
        lock (this)
        {
            _members = [.. _members, member];
        }
    }

    public void Remove(ForeignMember member)
    {
        lock (this)
        {
            _members = [.. _members.Where(each => each != member)];
        }
    }

    public void OnPublication(LocalRoom room, Publication publication, IRoomMember? except)
    {
        foreach (ForeignMember member in Volatile.Read(ref _members))
        {
            if (member != except)
            {
                member.Add(publication.Text());
            }
        }
    }

    public void OnPositionLost(LocalRoom room, StreamPosition now, PositionLoss reason)
    {
        foreach (ForeignMember member in Volatile.Read(ref _members))
        {
            member.Add($"lost {reason}");
        }
    }
}
