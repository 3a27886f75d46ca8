using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;
using Weir.Client.Centrifugo;
using Weir.Client.Reconnecting;

namespace Weir.Client;

/// <summary>
/// A channel that a <see cref="CentrifugoClient"/> listens to. It survives connections: after each the client subscribes again, from the
/// position up to which everything has come, and what was missed follows in order, each publication once.
/// </summary>
/// <remarks>Everything may be called from any thread. Events come to <see cref="ReadAllAsync"/> or to handlers of <see cref="EventOccurred"/>.</remarks>
public sealed class Subscription
{
    private readonly CentrifugoClient _client;
    private readonly Lock _gate = new();
    private StreamPosition? _position;

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
    /// Is called with every event instead of <see cref="ReadAllAsync"/>, one at a time and in order, and never beside another handler of
    /// the same client. It may call and wait for anything of the client: subscribe, publish, dispose. While it runs others wait in the
    /// inbox. What it throws ends the client.
    /// </summary>
    /// <remarks>It is called on a thread of the pool, and is given what has waited since before it was attached.</remarks>
    public event Action<SubscriptionEvent>? EventOccurred
    {
        add => Inbox.AddHandler(value);
        remove => Inbox.RemoveHandler(value);
    }

    /// <summary>Its name.</summary>
    public string Channel { get; }

    /// <summary>
    /// Up to where everything was handed to the user: a publication is counted when it is handed to the handler or the enumeration, just
    /// before either sees it. Null if the channel has no positions, or nothing is known yet. Another subscription to the channel with this
    /// as <see cref="SubscriptionOptions.Since"/>, now or in another life of the program, goes on with the one that follows.
    /// </summary>
    public StreamPosition? Position
    {
        get
        {
            lock (_gate)
            {
                return _position;
            }
        }
    }

    /// <summary>Whether it stands.</summary>
    public bool IsSubscribed => State == SubscriptionState.Subscribed;

    internal SubscriptionOptions Options { get; }

    internal Backoff Backoff { get; }

    internal Refreshes Refreshes { get; } = new();

    internal Inbox<SubscriptionEvent> Inbox { get; }

    // The rest belongs to the client's lock.

    /// <summary>Up to where everything was put into the inbox: from here the client recovers.</summary>
    internal StreamPosition? Received { get; set; }

    internal volatile SubscriptionState State = SubscriptionState.Subscribing;

    internal string? Token { get; set; }

    /// <summary>Publications were left out because the inbox was full; they are recovered when it is empty.</summary>
    internal bool IsBehind
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    /// <summary>The server has said that it keeps what was missed.</summary>
    internal bool IsRecoverable { get; set; }

    /// <summary>
    /// Events in their order; the last is <see cref="Unsubscribed"/>, then the enumeration ends. To be read by one at a time; whoever
    /// comes later goes on where the one before has stopped.
    /// </summary>
    public IAsyncEnumerable<SubscriptionEvent> ReadAllAsync(CancellationToken cancellationToken = default) => Inbox.ReadAllAsync(cancellationToken);

    /// <inheritdoc cref="CentrifugoClient.PublishAsync(string, ReadOnlyMemory{byte}, CancellationToken)"/>
    public Task<DeliveryResult> PublishAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) => _client.PublishAsync(Channel, data, cancellationToken);

    /// <inheritdoc cref="CentrifugoClient.PublishAsync{T}(string, T, JsonTypeInfo{T}, CancellationToken)"/>
    public Task<DeliveryResult> PublishAsync<T>(T data, JsonTypeInfo<T> type, CancellationToken cancellationToken = default) => _client.PublishAsync(Channel, data, type, cancellationToken);

    /// <summary>
    /// Ends it. What waits in the inbox is not handed out any more: <see cref="Unsubscribed"/> is the next event. Does nothing if it has ended.
    /// </summary>
    public void Unsubscribe()
    {
        if (_client.Unsubscribe(this, 0, "unsubscribed by this client"))
        {
            return;
        }

        Inbox.Discard(); // it has ended, with events that were not read yet
    }

    /// <summary>Where a stream of events is after this one.</summary>
    internal static StreamPosition? After(StreamPosition? before, SubscriptionEvent what) => what switch
    {
        Subscribed subscribed => subscribed.Position,
        PublicationReceived { Publication.Offset: > 0 and var offset } when before is { } position => position with { Offset = offset },
        _ => before,
    };

    // The position is that of the event which the user is about to be given.
    private void Follow(SubscriptionEvent what)
    {
        lock (_gate)
        {
            _position = After(_position, what);
        }
    }
}

/// <summary>Where a subscription stands.</summary>
internal enum SubscriptionState
{
    /// <summary>On its way, or waiting for a connection.</summary>
    Subscribing,

    /// <summary>It stands.</summary>
    Subscribed,

    /// <summary>It is over.</summary>
    Ended,
}
