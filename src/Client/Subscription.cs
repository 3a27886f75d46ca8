using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;
using Weir.Client.Centrifugo;
using Weir.Client.Events;
using Weir.Client.Receiving;
using Weir.Client.Reconnecting;
using Weir.Client.Sending;

namespace Weir.Client;

/// <summary>
/// The subscription of a <see cref="CentrifugoClient"/> to a channel. It outlives connections: on each new one the client
/// subscribes again from its position, and missed publications follow in order, each once.
/// </summary>
/// <remarks>
/// All members may be called from any thread. Events are delivered to <see cref="ReadAllAsync"/> or to handlers of
/// <see cref="EventOccurred"/>.
/// </remarks>
public sealed class Subscription
{
    private readonly CentrifugoClient _client;
    private readonly Lock _gate = new();
    private ClientStreamPosition? _position;

    internal Subscription(CentrifugoClient client, string channel, SubscriptionOptions options, Backoff backoff)
    {
        _client = client;
        Channel = channel;
        Options = options;
        Backoff = backoff;
        Received = options.Since;
        _position = options.Since;
        Inbox = new Inbox<SubscriptionEvent>(options.InboxCapacity, BoundedChannelFullMode.Wait, client.Handlers)
        {
            OnEmptied = () => client.CatchUp(this),
            OnTaking = Follow,
        };
    }

    /// <summary>
    /// Raised for every event, in place of <see cref="ReadAllAsync"/>: one at a time, in order, and never concurrently with another
    /// handler of the same client. A handler may call and await any member of the client: subscribe, publish, dispose. Meanwhile
    /// further events wait in the inbox. An exception ends the client.
    /// </summary>
    /// <remarks>Handlers run on a thread-pool thread, and receive events that were queued before they were attached.</remarks>
    public event Action<SubscriptionEvent>? EventOccurred
    {
        add => Inbox.AddHandler(value);
        remove => Inbox.RemoveHandler(value);
    }

    /// <summary>Gets the name of the channel.</summary>
    public string Channel { get; }

    /// <summary>
    /// Gets the position up to which all publications were delivered: one is counted when it is passed to the handler or the
    /// enumeration, just before either sees it. <c>null</c> if the channel has no positions, or none is known yet. Another
    /// subscription to the channel with this as <see cref="SubscriptionOptions.Since"/>, now or after a restart of the program,
    /// continues with the next publication.
    /// </summary>
    public ClientStreamPosition? Position
    {
        get
        {
            lock (_gate)
            {
                return _position;
            }
        }
    }

    /// <summary>Whether the subscription is active.</summary>
    public bool IsSubscribed => State == SubscriptionState.Subscribed;

    internal SubscriptionOptions Options { get; }

    internal Backoff Backoff { get; }

    internal Refreshes Refreshes { get; } = new();

    internal Inbox<SubscriptionEvent> Inbox { get; }

    // The following is guarded by the client's lock.

    /// <summary>The position up to which all publications were added to the inbox; the client recovers from here.</summary>
    internal ClientStreamPosition? Received { get; set; }

    internal volatile SubscriptionState State = SubscriptionState.Subscribing;

    internal string? Token { get; set; }

    /// <summary>Whether publications were dropped because the inbox was full; they are recovered when it is empty.</summary>
    internal bool IsBehind
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    /// <summary>Whether the server supports recovery in the channel.</summary>
    internal bool IsRecoverable { get; set; }

    /// <summary>
    /// Reads events in order; the enumeration ends after <see cref="Unsubscribed"/>. One reader at a time; a later reader continues
    /// where the previous one stopped.
    /// </summary>
    public IAsyncEnumerable<SubscriptionEvent> ReadAllAsync(CancellationToken cancellationToken = default)
        => Inbox.ReadAllAsync(cancellationToken);

    /// <inheritdoc cref="CentrifugoClient.PublishAsync(string, ReadOnlyMemory{byte}, CancellationToken)"/>
    public Task<DeliveryResult> PublishAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default)
        => _client.PublishAsync(Channel, data, cancellationToken);

    /// <inheritdoc cref="CentrifugoClient.PublishAsync{T}(string, T, JsonTypeInfo{T}, CancellationToken)"/>
    public Task<DeliveryResult> PublishAsync<T>(T data, JsonTypeInfo<T> type, CancellationToken cancellationToken = default)
        => _client.PublishAsync(Channel, data, type, cancellationToken);

    /// <summary>
    /// Ends the subscription and discards the inbox: <see cref="Unsubscribed"/> is the next event. If it had ended, only the inbox
    /// is discarded.
    /// </summary>
    public void Unsubscribe()
    {
        if (_client.Unsubscribe(this, 0, "unsubscribed by this client"))
        {
            return;
        }

        Inbox.Discard(); // it had ended, with unread events
    }

    /// <summary>Returns the position after an event.</summary>
    internal static ClientStreamPosition? After(ClientStreamPosition? before, SubscriptionEvent what) => what switch
    {
        Subscribed subscribed => subscribed.Position,
        PublicationReceived { Publication.Offset: > 0 and var offset } when before is { } position => position with { Offset = offset },
        _ => before,
    };

    // The position is that of the event about to be delivered.
    private void Follow(SubscriptionEvent what)
    {
        lock (_gate)
        {
            _position = After(_position, what);
        }
    }
}

/// <summary>The state of a subscription.</summary>
internal enum SubscriptionState
{
    /// <summary>Subscribing, or waiting for a connection.</summary>
    Subscribing,

    /// <summary>Active.</summary>
    Subscribed,

    /// <summary>Ended.</summary>
    Ended,
}
