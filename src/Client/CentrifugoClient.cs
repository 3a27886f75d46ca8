using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;
using Weir.Client.Centrifugo;
using Weir.Client.Reconnecting;
using Weir.Client.Sending;
using Weir.Client.Transport;

namespace Weir.Client;

/// <summary>
/// A client of the Centrifugo protocol, as JSON over WebSocket: of Weir's <c>/connection/websocket</c>, and of Centrifugo's own server.
/// It comes back when its connection is lost, subscribes again, and recovers what was missed where the server keeps it.
/// </summary>
/// <remarks>
/// Everything may be called from any thread. Events of the connection come to <see cref="ReadAllAsync"/> or <see cref="EventOccurred"/>,
/// those of a channel to its <see cref="Subscription"/>. Publications of channels that the server has subscribed it to by itself come as
/// <see cref="ServerPublished"/>, and are recovered too.
/// </remarks>
public sealed partial class CentrifugoClient : IAsyncDisposable
{
    private readonly CentrifugoClientOptions _options;
    private readonly ConnectionLoop _loop;
    private readonly SendQueue _queue;
    private readonly Inbox<ClientEvent> _inbox;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Subscription> _subscriptions = new(StringComparer.Ordinal);

    // The unsubscribe of each channel that the server has not answered yet: what comes of it until then has no subscription.
    private readonly Dictionary<string, uint> _leaving = new(StringComparer.Ordinal);
    private Session? _session; // while connected; belongs to the lock
    private ConnectionEnd? _end; // once there will be no connection any more; belongs to the lock
    private uint _lastId;

    /// <summary>Makes a client; <see cref="Start"/> connects it.</summary>
    /// <param name="endpoint">Where the server is, as <c>wss://example.com/connection/websocket</c>.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <exception cref="ArgumentException">
    /// The endpoint is not absolute, or not <c>ws</c> or <c>wss</c>; <see cref="CentrifugoClientOptions.ConnectData"/> is no
    /// JSON, or <see cref="CentrifugoClientOptions.Name"/> no text.
    /// </exception>
    public CentrifugoClient(Uri endpoint, CentrifugoClientOptions? options = null)
    {
        RelayAddress.Check(endpoint);
        _options = options ?? new CentrifugoClientOptions();
        _queue = new SendQueue(_options.SendQueue);
        CommandWriter.CheckData(_options.ConnectData, nameof(CentrifugoClientOptions.ConnectData));
        if (!WellFormed.Is(_options.Name))
        {
            throw new ArgumentException($"{nameof(CentrifugoClientOptions.Name)} has half of a surrogate pair.", nameof(options));
        }

        _loop = new ConnectionLoop(_options, this, new ConnectRequest(endpoint, null), tokenInHead: false);
        _inbox = new Inbox<ClientEvent>(_options.InboxCapacity, BoundedChannelFullMode.DropOldest, _loop.Handlers, InPlaceOf);
    }

    /// <summary>
    /// Is called with every event of the connection instead of <see cref="ReadAllAsync"/>, one at a time and in order, and never beside a
    /// handler of a subscription. It may call and wait for anything of this client, <see cref="DisposeAsync"/> too. While it runs others
    /// wait in the inbox. What it throws ends the client, and fails <see cref="Completion"/>.
    /// </summary>
    /// <remarks>It is called on a thread of the pool, and is given what has waited since before it was attached.</remarks>
    public event Action<ClientEvent>? EventOccurred
    {
        add => _inbox.AddHandler(value);
        remove => _inbox.RemoveHandler(value);
    }

    /// <summary>Where it stands.</summary>
    public ClientState State => _loop.State;

    /// <summary>Ends when the client has and its handlers have been called, with the reason; fails with what a callback threw.</summary>
    public Task<ConnectionEnd> Completion => _loop.Completion;

    /// <summary>Connects, and stays connected. Returns at once.</summary>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    public void Start() => _loop.Start();

    /// <summary>Events of the connection in their order; the last is <see cref="Closed"/>, then the enumeration ends.</summary>
    public IAsyncEnumerable<ClientEvent> ReadAllAsync(CancellationToken cancellationToken = default) => _inbox.ReadAllAsync(cancellationToken);

    /// <summary>
    /// Listens to a channel, from now on or from when there is a connection. Returns at once. Of a client that has ended the subscription
    /// has ended too.
    /// </summary>
    /// <exception cref="InvalidOperationException">The client listens to it already.</exception>
    /// <exception cref="ArgumentException">The name, or the epoch to begin with, has half of a surrogate pair; the data is no JSON.</exception>
    public Subscription Subscribe(string channel, SubscriptionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(channel);
        if (!WellFormed.Is(channel) || options?.Since is { Epoch: var epoch } && !WellFormed.Is(epoch ?? ""))
        {
            throw new ArgumentException($"The channel '{channel}', or the epoch to begin with, has half of a surrogate pair.", nameof(channel));
        }

        CommandWriter.CheckData(options?.Data ?? default, nameof(SubscriptionOptions.Data));
        Subscription subscription = new(this, channel, options ?? new SubscriptionOptions(), new Backoff(_options.Reconnect, _options.NextRandom));
        Session? session;
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
    /// Publishes to a channel, on the connection there is or the next one. The result says what became of it:
    /// <see cref="Delivery.Delivered"/>, <see cref="Delivery.Failed"/> or <see cref="Delivery.Unknown"/>.
    /// </summary>
    /// <param name="channel">The channel.</param>
    /// <param name="data">JSON, as UTF-8.</param>
    /// <param name="cancellationToken">Gives it up as long as it waits; what is on its way goes on.</param>
    /// <exception cref="JsonException">The data is no JSON, or not UTF-8.</exception>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public async Task<DeliveryResult> PublishAsync(string channel, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default)
    {
        uint id = NextId();
        return (await SendAsync(new UserCommand(id, CommandWriter.Publish(id, channel, data)), cancellationToken)).Result;
    }

    /// <summary>Publishes an object as JSON. See <see cref="PublishAsync(string, ReadOnlyMemory{byte}, CancellationToken)"/>.</summary>
    public Task<DeliveryResult> PublishAsync<T>(string channel, T data, JsonTypeInfo<T> type, CancellationToken cancellationToken = default)
        => PublishAsync(channel, JsonSerializer.SerializeToUtf8Bytes(data, type), cancellationToken);

    /// <summary>Calls a procedure of the server, and returns the JSON that it answers.</summary>
    /// <exception cref="CentrifugoException">There is no result.</exception>
    public async Task<ReadOnlyMemory<byte>> RpcAsync(string method, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default)
    {
        uint id = NextId();
        return ReplyReader.ReadData(await AskAsync(new UserCommand(id, CommandWriter.Rpc(id, method, data)), cancellationToken));
    }

    /// <summary>Reads a channel's history.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="limit">The most publications; 0 for only where it is, -1 for all.</param>
    /// <param name="since">Only what follows this, or with <paramref name="reverse"/> what precedes it; null for no bound.</param>
    /// <param name="reverse">The newest first.</param>
    /// <param name="cancellationToken">Gives it up as long as it waits to be sent.</param>
    /// <exception cref="CentrifugoException">There is no result.</exception>
    public async Task<HistoryResult> HistoryAsync(string channel, int limit, StreamPosition? since = null, bool reverse = false, CancellationToken cancellationToken = default)
    {
        uint id = NextId();
        return ReplyReader.ReadHistory(await AskAsync(new UserCommand(id, CommandWriter.History(id, channel, limit, since, reverse)), cancellationToken));
    }

    /// <summary>Who is in a channel, by connection.</summary>
    /// <exception cref="CentrifugoException">There is no result.</exception>
    public async Task<IReadOnlyDictionary<string, ClientInfo>> PresenceAsync(string channel, CancellationToken cancellationToken = default)
    {
        uint id = NextId();
        return ReplyReader.ReadPresence(await AskAsync(new UserCommand(id, CommandWriter.Channel(id, "presence"u8, channel)), cancellationToken));
    }

    /// <summary>How many connections, and of how many users, are in a channel.</summary>
    /// <exception cref="CentrifugoException">There is no result.</exception>
    public async Task<(int Clients, int Users)> PresenceStatsAsync(string channel, CancellationToken cancellationToken = default)
    {
        uint id = NextId();
        return ReplyReader.ReadPresenceStats(await AskAsync(new UserCommand(id, CommandWriter.Channel(id, "presence_stats"u8, channel)), cancellationToken));
    }

    /// <summary>
    /// Says goodbye and ends, with all subscriptions. What still waits to be sent ends as <see cref="Delivery.Failed"/>. In every state, and
    /// any number of times. Called by a callback of this client it returns before all is done, which <see cref="Completion"/> says.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        _queue.Close("the client was closed");
        return _loop.DisposeAsync();
    }

    /// <summary>Calls the handlers of this client and of its subscriptions.</summary>
    internal Dispatcher Handlers => _loop.Handlers;

    private uint NextId() => Interlocked.Increment(ref _lastId);

    private async Task<ReadOnlyMemory<byte>> AskAsync(UserCommand command, CancellationToken cancel)
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
