namespace Weir.Client.Events;

/// <summary>An event of a subscription, in order of occurrence.</summary>
public abstract record SubscriptionEvent
{
    private protected SubscriptionEvent()
    {
    }
}

/// <summary>The subscription is active. Publications missed before follow, if the channel keeps them.</summary>
/// <param name="Recovered">
/// Whether all publications since the client's position were recovered; always false the first time, and in channels without recovery.
/// </param>
/// <param name="Position">The position of the channel, before the publications that follow; <c>null</c> if it has no positions.</param>
public sealed record Subscribed(bool Recovered, ClientStreamPosition? Position) : SubscriptionEvent;

/// <summary>A publication. Each is delivered once, in the order of the channel.</summary>
/// <param name="Publication">The publication.</param>
public sealed record PublicationReceived(ClientPublication Publication) : SubscriptionEvent;

/// <summary>
/// Publications may be missing at this point: they are no longer in the history, the server has begun a new epoch, or the
/// application read too slowly in a channel without history. An application that keeps state reloads it.
/// </summary>
/// <param name="Was">The position up to which all publications were delivered; <c>null</c> if the channel has no positions.</param>
public sealed record PositionLost(ClientStreamPosition? Was) : SubscriptionEvent;

/// <summary>A client has subscribed.</summary>
/// <param name="Info">The client.</param>
public sealed record MemberJoined(ClientInfo Info) : SubscriptionEvent;

/// <summary>A client has left.</summary>
/// <param name="Info">The client.</param>
public sealed record MemberLeft(ClientInfo Info) : SubscriptionEvent;

/// <summary>The connection or this subscription was lost; the client subscribes again automatically.</summary>
/// <param name="Code">The code of the server's error or push; 0 without one, as when the connection was lost.</param>
/// <param name="Reason">The reason.</param>
public sealed record Interrupted(int Code, string Reason) : SubscriptionEvent;

/// <summary>The subscription has ended; this is the last event.</summary>
/// <param name="Code">The code with which the server ended or refused it; 0 if this client ended it.</param>
/// <param name="Reason">The reason.</param>
public sealed record Unsubscribed(int Code, string Reason) : SubscriptionEvent;
