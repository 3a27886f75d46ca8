using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;
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

    internal Subscription(CentrifugoClient client, string channel, SubscriptionOptions options, Backoff backoff)
    {
        _client = client;
        Channel = channel;
        Options = options;
        Backoff = backoff;
        Position = options.Since;
        Inbox = new Inbox<SubscriptionEvent>(options.InboxCapacity, BoundedChannelFullMode.Wait) { OnEmptied = () => client.CatchUp(this) };
    }

    /// <summary>
    /// Is called with every event instead of <see cref="ReadAllAsync"/>, one at a time, by the task that reads the connection: whoever
    /// takes long holds it up. Attach before the client starts, or miss what came before. What it throws ends the client.
    /// </summary>
    public event Action<SubscriptionEvent>? EventOccurred
    {
        add => Inbox.Handler += value;
        remove => Inbox.Handler -= value;
    }

    /// <summary>Its name.</summary>
    public string Channel { get; }

    /// <summary>
    /// Up to where everything has come, or was handed to the inbox; null if the channel has no positions, or nothing is known yet. To go
    /// on from here in another life of the program, save the number of the last publication that was dealt with instead.
    /// </summary>
    public StreamPosition? Position { get; internal set; }

    /// <summary>Whether it stands.</summary>
    public bool IsSubscribed => State == SubscriptionState.Subscribed;

    internal SubscriptionOptions Options { get; }

    internal Backoff Backoff { get; }

    internal Inbox<SubscriptionEvent> Inbox { get; }

    // The rest belongs to the client's lock.
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

    /// <summary>Ends it. Does nothing if it has ended.</summary>
    public void Unsubscribe() => _client.Unsubscribe(this, 0, "unsubscribed by this client");
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
