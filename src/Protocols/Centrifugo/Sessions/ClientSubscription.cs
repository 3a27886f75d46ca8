using Weir.Relay.Brokers;
using Weir.Relay.Rooms;
using Weir.Timing;

namespace Weir.Protocols.Centrifugo.Sessions;

/// <summary>The subscription of one session to one channel. Guarded by its session.</summary>
internal sealed class ClientSubscription(ClientSession session, string channel) : IRoomListener
{
    private ExpiryTimer? _expiry;

    public enum Stage : byte
    {
        /// <summary>Requested.</summary>
        Pending,

        /// <summary>In the channel, and the reply is written.</summary>
        Active,

        /// <summary>Ended; the first caller has removed it.</summary>
        Ended,
    }

    public ClientSession Session => session;

    public string Channel => channel;

    /// <summary>Gets the id of the subscribe command; 0 for a server-side subscription.</summary>
    public uint CommandId { get; init; }

    /// <summary>Gets the position to recover from; <c>null</c> if no recovery is requested.</summary>
    public StreamPosition? From { get; init; }

    public bool ReceivesJoins { get; init; }

    public bool RejectsUnrecovered { get; init; }

    public bool IsServerSide => CommandId == 0;

    /// <summary>Gets or sets JSON about the client in this channel; empty if there is none.</summary>
    public ReadOnlyMemory<byte> Info { get; set; }

    /// <summary>Gets or sets when the right to it ends; <c>null</c> if with the connection.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }

    public Stage State { get; set; }

    /// <summary>Gets or sets its audience, once it is active.</summary>
    public ChannelAudience? Audience { get; set; }

    /// <summary>Gets or sets whether the client relies on receiving everything from a position on.</summary>
    public bool IsPositioned { get; set; }

    /// <summary>Gets or sets where it began, until the reply is written.</summary>
    public Recovery? Began { get; set; }

    /// <summary>Gets or sets its index in the audience's list; guarded by the audience.</summary>
    public int Index { get; set; }

    public void OnSubscribed(IRoomAudience audience, Recovery recovery)
    {
        ChannelAudience joined = (ChannelAudience)audience;
        joined.Walk(); // to the earlier subscribers
        session.OnSubscribed(this, joined, recovery);
    }

    /// <summary>Notifies the session at a time of the wall clock, replacing an earlier one; <c>null</c> cancels it.</summary>
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

    // Most subscriptions never expire, and have no timer.
    private sealed class ExpiryTimer(ClientSubscription subscription) : CalendarEntry
    {
        protected override void OnDue() => subscription.Session.OnSubscriptionExpired(subscription);
    }
}
