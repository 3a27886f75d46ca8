namespace Weir.Client;

/// <summary>Something that happened in a subscription, in its order.</summary>
public abstract record SubscriptionEvent
{
    private protected SubscriptionEvent()
    {
    }
}

/// <summary>The subscription stands. What was missed while it did not follows, if the channel keeps it.</summary>
/// <param name="Recovered">
/// Whether nothing was lost since the position the client had; always false the first time, and in channels without recovery.
/// </param>
/// <param name="Position">Where the channel is, before what follows; null if it has no positions.</param>
public sealed record Subscribed(bool Recovered, StreamPosition? Position) : SubscriptionEvent;

/// <summary>A publication. Each comes once, in the order of the channel.</summary>
/// <param name="Publication">The publication.</param>
public sealed record PublicationReceived(Publication Publication) : SubscriptionEvent;

/// <summary>
/// Something may be missing here: what was missed is not in the history any more, the server has begun a new numbering, or this
/// client read too slowly in a channel that keeps nothing. Whoever keeps a state fetches it anew.
/// </summary>
/// <param name="Was">Up to where everything came; null if the channel has no positions.</param>
public sealed record PositionLost(StreamPosition? Was) : SubscriptionEvent;

/// <summary>Somebody has subscribed.</summary>
/// <param name="Info">Who.</param>
public sealed record MemberJoined(ClientInfo Info) : SubscriptionEvent;

/// <summary>Somebody has gone.</summary>
/// <param name="Info">Who.</param>
public sealed record MemberLeft(ClientInfo Info) : SubscriptionEvent;

/// <summary>The connection, or only this subscription, is gone; it comes back by itself.</summary>
/// <param name="Code">The code of the server's error or push; 0 if it was the connection that went.</param>
/// <param name="Reason">Why.</param>
public sealed record Interrupted(int Code, string Reason) : SubscriptionEvent;

/// <summary>It is over. Nothing follows.</summary>
/// <param name="Code">The code with which the server ended or refused it; 0 if it was this side.</param>
/// <param name="Reason">Why.</param>
public sealed record Unsubscribed(int Code, string Reason) : SubscriptionEvent;
