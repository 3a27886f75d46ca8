using System.Text;
using System.Threading.Channels;
using Weir.Client.Reconnecting;
using Weir.Client.Sending;
using Weir.Client.Timing;
using Weir.Client.Transport;

namespace Weir.Client;

/// <summary>
/// A client of the raw relay, <c>/ws?room=R</c>: what it sends goes to every other member of its rooms, what they send comes here. It
/// comes back when its connection is lost, for as long as that may be of use.
/// </summary>
/// <remarks>
/// <para>
/// Raw rooms replay nothing: between <see cref="Disconnected"/> and <see cref="Connected"/> messages of others are missed. Who must not
/// miss any uses <see cref="CentrifugoClient"/> and rooms with history.
/// </para>
/// <para>
/// Everything may be called from any thread. Messages and events come in their order, either to <see cref="ReadAllAsync"/>, behind a
/// bounded inbox, or to handlers of <see cref="EventOccurred"/>.
/// </para>
/// </remarks>
public sealed class RelayClient : IAsyncDisposable, ISessions
{
    private readonly ConnectionLoop _loop;
    private readonly SendQueue _queue;
    private readonly Inbox<ClientEvent> _inbox;
    private readonly TimeProvider _time;
    private readonly TimeSpan _silenceLimit;
    private readonly bool _canRenewToken;

    /// <summary>Makes a client of one room; <see cref="Start"/> connects it.</summary>
    /// <inheritdoc cref="RelayClient(Uri, IEnumerable{string}, RelayClientOptions?)"/>
    public RelayClient(Uri endpoint, string room, RelayClientOptions? options = null)
        : this(endpoint, [room], options)
    {
    }

    /// <summary>Makes a client of several rooms: what it sends goes to all of them.</summary>
    /// <param name="endpoint">Where the relay is, as <c>wss://example.com/ws</c>; may have a query.</param>
    /// <param name="rooms">The names, of at least one; if none, the endpoint's query must have them.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <exception cref="ArgumentException">The endpoint is not absolute, or not <c>ws</c> or <c>wss</c>.</exception>
    public RelayClient(Uri endpoint, IEnumerable<string> rooms, RelayClientOptions? options = null)
    {
        options ??= new RelayClientOptions();
        ConnectRequest request = new(RelayAddress.Of(endpoint, rooms), null)
        {
            PingInterval = options.PingInterval,
        };
        _silenceLimit = PingTimes.SilenceLimit(options.PingInterval, options.PingTimeout);
        _time = options.TimeProvider;
        _canRenewToken = options.GetToken is not null;
        _queue = new SendQueue(options.SendQueue);
        _loop = new ConnectionLoop(options, this, request, tokenInHead: true);
        BoundedChannelFullMode whenFull = options.WhenInboxFull == WhenInboxFull.Wait ? BoundedChannelFullMode.Wait : BoundedChannelFullMode.DropOldest;
        _inbox = new Inbox<ClientEvent>(options.InboxCapacity, whenFull, _loop.Handlers);
    }

    /// <summary>
    /// Is called with every message and event instead of <see cref="ReadAllAsync"/>, one at a time and in order. It may call and wait for
    /// anything of this client, <see cref="DisposeAsync"/> too. While it runs others wait in the inbox. What it throws ends the client,
    /// and fails <see cref="Completion"/>.
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

    /// <summary>
    /// Messages and events in their order; the last is <see cref="Closed"/>, then the enumeration ends. To be read by one at a time;
    /// whoever comes later goes on where the one before has stopped.
    /// </summary>
    public IAsyncEnumerable<ClientEvent> ReadAllAsync(CancellationToken cancellationToken = default) => _inbox.ReadAllAsync(cancellationToken);

    /// <summary>Sends text. See <see cref="SendAsync(ReadOnlyMemory{byte}, bool, CancellationToken)"/>.</summary>
    public Task<DeliveryResult> SendAsync(string text, CancellationToken cancellationToken = default) => SendAsync(Encoding.UTF8.GetBytes(text), isText: true, cancellationToken);

    /// <summary>
    /// Sends a message on the connection there is, or the next one. The result says what became of it: <see cref="Delivery.Written"/>,
    /// <see cref="Delivery.Failed"/> or <see cref="Delivery.Unknown"/>. Messages go out in the order of the calls.
    /// </summary>
    /// <param name="payload">Not to be changed until the result is there.</param>
    /// <param name="isText">Whether it is text; then it must be UTF-8, or the server ends the connection with 1007.</param>
    /// <param name="cancellationToken">Gives it up as long as it waits; what is on its way goes on.</param>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public Task<DeliveryResult> SendAsync(ReadOnlyMemory<byte> payload, bool isText = false, CancellationToken cancellationToken = default)
    {
        RawSend send = new(payload, isText);
        _queue.Add(send, cancellationToken);
        return send.Result;
    }

    /// <summary>
    /// Says goodbye with 1000 and ends. What still waits to be sent ends as <see cref="Delivery.Failed"/>. In every state, and any number of
    /// times. Called by a callback of this client it returns before all is done, which <see cref="Completion"/> says.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        _queue.Close("the client was closed");
        return _loop.DisposeAsync();
    }

    async Task<ConnectionEnd> ISessions.ServeAsync(IClientConnection connection, string? token, CancellationToken stop)
    {
        await _inbox.AddAsync(_loop.Opened(), stop);
        using CancellationTokenSource silent = new();
        using Patience patience = new(_time, silent.Cancel, () => connection.QuietFor);
        patience.Begin(_silenceLimit);
        ConnectionEnd end = await Duplex.RunAsync(
            connection,
            _time,
            cancel => SendAllAsync(connection, cancel),
            cancel => ReceiveAllAsync(connection, cancel, silent.Token, stop),
            stop);
        return silent.IsCancellationRequested && end.Kind == EndKind.Cut ? new ConnectionEnd(EndKind.Silent) { Reason = "nothing came in time" } : end;
    }

    bool ISessions.MayReturn(ConnectionEnd end, bool hasConnected) => RawRules.MayReturn(end, _canRenewToken, hasConnected);

    bool ISessions.TokenIsBad(ConnectionEnd end) => RawRules.TokenIsBad(end);

    ValueTask ISessions.RaiseAsync(ClientEvent what) => _inbox.AddAsync(what, _loop.Stopping);

    void ISessions.Finish(ConnectionEnd end, Exception? error)
    {
        _queue.Close(end.ToString());
        _queue.Dispose();
        _inbox.Complete(new Closed(end), error);
    }

    private async Task SendAllAsync(IClientConnection connection, CancellationToken stop)
    {
        while (await _queue.TakeAsync(stop) is { } send)
        {
            if (stop.IsCancellationRequested)
            {
                _queue.PutBack(send);
                return;
            }

            // Without a token: a message that has begun to go out is not torn because we are told to stop. A broken or silent
            // connection ends it, through the receive that finds out.
            if (!await connection.SendAsync(send.Payload, send.IsText, CancellationToken.None))
            {
                send.End(new DeliveryResult(Delivery.Unknown, "the connection broke while it was being sent"));
                return;
            }

            send.End(new DeliveryResult(Delivery.Written));
        }
    }

    private async Task<ConnectionEnd> ReceiveAllAsync(IClientConnection connection, CancellationToken ended, CancellationToken silent, CancellationToken stop)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(ended, silent);
        while (true)
        {
            Received received = await connection.ReceiveAsync(either.Token);
            if (received.End is { } end)
            {
                return end;
            }

            await _inbox.AddAsync(new MessageReceived(new RelayMessage(received.Payload, received.IsText)), stop);
        }
    }
}
