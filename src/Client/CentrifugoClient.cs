using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;
using Weir.Client.Centrifugo;
using Weir.Client.Events;
using Weir.Client.Receiving;
using Weir.Client.Reconnecting;
using Weir.Client.Sending;
using Weir.Client.Transport;
using Weir.Client.Validation;

namespace Weir.Client;

/// <summary>
/// A client of the Centrifugo protocol, as JSON over WebSocket: for Weir's <c>/connection/websocket</c>, and for Centrifugo's own
/// server. It reconnects when its connection is lost, subscribes again, and recovers missed publications if the server keeps them.
/// </summary>
/// <remarks>
/// All members may be called from any thread. Events of the connection are delivered to <see cref="ReadAllAsync"/> or
/// <see cref="EventOccurred"/>, those of a channel to its <see cref="Subscription"/>. Publications of server-side subscriptions are
/// delivered as <see cref="ServerPublished"/>, and are recovered too.
/// </remarks>
public sealed partial class CentrifugoClient : IAsyncDisposable
{
    private readonly CentrifugoClientOptions _options;
    private readonly ProtocolSettings _protocol;
    private readonly ConnectionLoop _loop;
    private readonly ClientSendQueue _queue;
    private readonly Inbox<ClientEvent> _inbox;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Subscription> _subscriptions = new(StringComparer.Ordinal);

    // The pending unsubscribe command of each channel: pushes until its reply have no subscription.
    private readonly Dictionary<string, uint> _leaving = new(StringComparer.Ordinal);
    private ProtocolConnection? _session; // while connected; guarded by _gate
    private ConnectionEnd? _end; // once the client has ended; guarded by _gate
    private uint _lastId;

    /// <summary>Creates a client; <see cref="Start"/> connects it.</summary>
    /// <param name="endpoint">The server's address, as <c>wss://example.com/connection/websocket</c>.</param>
    /// <param name="options">Settings; <c>null</c> for the defaults.</param>
    /// <exception cref="ArgumentException">
    /// The endpoint is not absolute, or not <c>ws</c> or <c>wss</c>; <see cref="CentrifugoClientOptions.ConnectData"/> is not
    /// JSON, or <see cref="CentrifugoClientOptions.Name"/> not valid text.
    /// </exception>
    public CentrifugoClient(Uri endpoint, CentrifugoClientOptions? options = null)
    {
        RelayAddress.Check(endpoint);
        _options = options ?? new CentrifugoClientOptions();
        _queue = new ClientSendQueue(_options.SendQueue.ToSettings());
        CommandWriter.CheckData(_options.ConnectData, nameof(CentrifugoClientOptions.ConnectData));
        if (!WellFormed.Is(_options.Name))
        {
            throw new ArgumentException($"{nameof(CentrifugoClientOptions.Name)} has half of a surrogate pair.", nameof(options));
        }

        _protocol = _options.ToProtocolSettings();
        _loop = new ConnectionLoop(_options.ToReconnectSettings(), this, new ConnectRequest(endpoint, null), tokenInHead: false);
        _inbox = new Inbox<ClientEvent>(_options.InboxCapacity, BoundedChannelFullMode.DropOldest, _loop.Handlers, InPlaceOf);
    }

    /// <summary>
    /// Raised for every event of the connection, in place of <see cref="ReadAllAsync"/>: one at a time, in order, and never
    /// concurrently with a handler of a subscription. A handler may call and await any member of this client,
    /// <see cref="DisposeAsync"/> included. Meanwhile further events wait in the inbox. An exception ends the client and fails
    /// <see cref="Completion"/>.
    /// </summary>
    /// <remarks>Handlers run on a thread-pool thread, and receive events that were queued before they were attached.</remarks>
    public event Action<ClientEvent>? EventOccurred
    {
        add => _inbox.AddHandler(value);
        remove => _inbox.RemoveHandler(value);
    }

    /// <summary>Gets the state of the client.</summary>
    public ClientState State => _loop.State;

    /// <summary>
    /// Completes, with the reason, when the client has ended and its handlers have been called; fails with the exception of a
    /// callback.
    /// </summary>
    public Task<ConnectionEnd> Completion => _loop.Completion;

    /// <summary>Connects, and stays connected. Returns immediately.</summary>
    /// <exception cref="InvalidOperationException">The client was started before.</exception>
    public void Start() => _loop.Start();

    /// <summary>Reads the events of the connection in order; the enumeration ends after <see cref="Closed"/>.</summary>
    public IAsyncEnumerable<ClientEvent> ReadAllAsync(CancellationToken cancellationToken = default)
        => _inbox.ReadAllAsync(cancellationToken);

    /// <summary>
    /// Subscribes to a channel, now or once there is a connection. Returns immediately. If the client has ended, so has the subscription.
    /// </summary>
    /// <exception cref="InvalidOperationException">The client has a subscription to it already.</exception>
    /// <exception cref="ArgumentException">
    /// The name, or the epoch to begin with, has half of a surrogate pair; the data is not JSON.
    /// </exception>
    public Subscription Subscribe(string channel, SubscriptionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(channel);
        if (!WellFormed.Is(channel) || options?.Since is { Epoch: var epoch } && !WellFormed.Is(epoch ?? ""))
        {
            throw new ArgumentException($"The channel '{channel}', or the epoch to begin with, has half of a surrogate pair.",
                nameof(channel));
        }

        CommandWriter.CheckData(options?.Data ?? default, nameof(SubscriptionOptions.Data));
        Subscription subscription = new(this, channel, options ?? new SubscriptionOptions(),
            new Backoff(_options.ToBackoffSettings()));
        ProtocolConnection? session;
        ConnectionEnd? end;
        lock (_gate)
        {
            if (!_subscriptions.TryAdd(channel, subscription))
            {
                throw new InvalidOperationException($"There is a subscription to '{channel}' already.");
            }

            session = _session;
            end = _end;
        }

        if (end is not null)
        {
            End(subscription, end);
        }
        else if (session is not null)
        {
            session.Watch(SubscribeAsync(subscription, session, TimeSpan.Zero));
        }

        return subscription;
    }

    /// <summary>
    /// Publishes to a channel, on the current connection or the next one. The result is
    /// <see cref="Delivery.Delivered"/>, <see cref="Delivery.Failed"/> or <see cref="Delivery.Unknown"/>.
    /// </summary>
    /// <param name="channel">The channel.</param>
    /// <param name="data">JSON, as UTF-8.</param>
    /// <param name="cancellationToken">Cancels the command while it is queued, but not one in flight.</param>
    /// <exception cref="JsonException">The data is not JSON or not UTF-8.</exception>
    /// <exception cref="OperationCanceledException">The command was cancelled.</exception>
    public async Task<DeliveryResult> PublishAsync(string channel, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default)
    {
        uint id = NextId();
        return (await SendAsync(new UserCommand(id, CommandWriter.Publish(id, channel, data)), cancellationToken)).Result;
    }

    /// <summary>Publishes an object as JSON. See <see cref="PublishAsync(string, ReadOnlyMemory{byte}, CancellationToken)"/>.</summary>
    public Task<DeliveryResult> PublishAsync<T>(string channel, T data, JsonTypeInfo<T> type, CancellationToken cancellationToken = default)
        => PublishAsync(channel, JsonSerializer.SerializeToUtf8Bytes(data, type), cancellationToken);

    /// <summary>Calls a procedure of the server, and returns its JSON result.</summary>
    /// <exception cref="CentrifugoException">There is no result.</exception>
    public async Task<ReadOnlyMemory<byte>> RpcAsync(string method, ReadOnlyMemory<byte> data,
        CancellationToken cancellationToken = default)
    {
        uint id = NextId();
        return ReplyReader.ReadData(await RequestAsync(new UserCommand(id, CommandWriter.Rpc(id, method, data)), cancellationToken));
    }

    /// <summary>Reads a channel's history.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="limit">The maximum number of publications; 0 for the position only, -1 for all.</param>
    /// <param name="since">
    /// Returns only publications after this position, or before it with <paramref name="reverse"/>; <c>null</c> for no bound.
    /// </param>
    /// <param name="reverse">Whether the newest comes first.</param>
    /// <param name="cancellationToken">Cancels the command while it is queued.</param>
    /// <exception cref="CentrifugoException">There is no result.</exception>
    public async Task<HistoryResult> HistoryAsync(string channel, int limit, ClientStreamPosition? since = null, bool reverse = false,
        CancellationToken cancellationToken = default)
    {
        uint id = NextId();
        return ReplyReader.ReadHistory(
            await RequestAsync(new UserCommand(id, CommandWriter.History(id, channel, limit, since, reverse)), cancellationToken));
    }

    /// <summary>Gets the clients in a channel, by connection.</summary>
    /// <exception cref="CentrifugoException">There is no result.</exception>
    public async Task<IReadOnlyDictionary<string, ClientInfo>> PresenceAsync(string channel, CancellationToken cancellationToken = default)
    {
        uint id = NextId();
        return ReplyReader.ReadPresence(
            await RequestAsync(new UserCommand(id, CommandWriter.Channel(id, "presence"u8, channel)), cancellationToken));
    }

    /// <summary>Gets the number of connections and of users in a channel.</summary>
    /// <exception cref="CentrifugoException">There is no result.</exception>
    public async Task<(int Clients, int Users)> PresenceStatsAsync(string channel, CancellationToken cancellationToken = default)
    {
        uint id = NextId();
        return ReplyReader.ReadPresenceStats(
            await RequestAsync(new UserCommand(id, CommandWriter.Channel(id, "presence_stats"u8, channel)), cancellationToken));
    }

    /// <summary>
    /// Sends a close frame and ends the client with all subscriptions. Queued commands end as <see cref="Delivery.Failed"/>. May be
    /// called in every state and repeatedly. If a callback of this client calls it, it returns before the end, which
    /// <see cref="Completion"/> reports.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        _queue.Close("the client was closed");
        return _loop.DisposeAsync();
    }

    /// <summary>Gets the dispatcher for handlers of this client and its subscriptions.</summary>
    internal Dispatcher Handlers => _loop.Handlers;

    private uint NextId() => Interlocked.Increment(ref _lastId);

    private async Task<ReadOnlyMemory<byte>> RequestAsync(UserCommand command, CancellationToken cancel)
    {
        (DeliveryResult result, ReadOnlyMemory<byte> body) = await SendAsync(command, cancel);
        return result.Delivery == Delivery.Delivered ? body : throw new CentrifugoException(result);
    }

    private Task<(DeliveryResult Result, ReadOnlyMemory<byte> Body)> SendAsync(UserCommand command, CancellationToken cancel)
    {
        _queue.Add(command, cancel);
        return command.Outcome;
    }
}
