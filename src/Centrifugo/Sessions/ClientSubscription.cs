using Weir.Relay;
using Weir.Timing;

namespace Weir.Centrifugo.Sessions;

/// <summary>One session in one channel. Guarded by its session.</summary>
internal sealed class ClientSubscription(Session session, string channel) : IRoomListener
{
    private ExpiryTimer? _expiry;

    public enum Stage : byte
    {
        /// <summary>Asked for.</summary>
        Pending,

        /// <summary>In the channel, and answered.</summary>
        Active,

        /// <summary>Over; whoever ended it has taken it out.</summary>
        Ended,
    }

    public Session Session => session;

    public string Channel => channel;

    /// <summary>The command that asks for it; 0: the server puts the client in by itself.</summary>
    public uint CommandId { get; init; }

    /// <summary>The place the client wants to recover from; null: none.</summary>
    public StreamPosition? From { get; init; }

    public bool WantsJoins { get; init; }

    public bool RejectsUnrecovered { get; init; }

    public bool IsServerSide => CommandId == 0;

    /// <summary>JSON about the client in this channel; empty: none.</summary>
    public ReadOnlyMemory<byte> Info { get; set; }

    /// <summary>When the right to it ends; null: with the connection.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }

    public Stage State { get; set; }

    /// <summary>Where it is in, from when it is active.</summary>
    public ChannelAudience? Audience { get; set; }

    /// <summary>The client counts on hearing everything from a position on.</summary>
    public bool IsPositioned { get; set; }

    /// <summary>Where it began, until that was told.</summary>
    public Recovery? Began { get; set; }

    /// <summary>Its place in the audience's list; guarded by that.</summary>
    public int Index { get; set; }

    public void OnSubscribed(IRoomAudience audience, Recovery recovery)
    {
        ChannelAudience joined = (ChannelAudience)audience;
        joined.Walk(); // to those who were there before
        session.OnSubscribed(this, joined, recovery);
    }

    /// <summary>Notifies the session at a time of the wall clock, in place of an earlier one; <c>null</c>: at none.</summary>
    public void PlanExpiry(Calendar calendar, DateTimeOffset? end)
    {
        if (end is { } time)
        {
            _expiry ??= new ExpiryTimer(this);
            calendar.Schedule(_expiry, time);
        }
        else if (_expiry is not null)
        {
            calendar.Cancel(_expiry);
        }
    }

    // Most subscriptions never expire, and have none.
    private sealed class ExpiryTimer(ClientSubscription subscription) : CalendarEntry
    {
        protected internal override void OnDue() => subscription.Session.OnSubscriptionExpired(subscription);
    }
}
