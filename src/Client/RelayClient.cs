using System.Text;
using System.Threading.Channels;
using Weir.Client.Events;
using Weir.Client.Receiving;
using Weir.Client.Reconnecting;
using Weir.Client.Sending;
using Weir.Client.Timing;
using Weir.Client.Transport;

namespace Weir.Client;

/// <summary>
/// A client of the raw relay, <c>/ws?room=R</c>: its messages are sent to all other members of its rooms, and it receives theirs.
/// It reconnects when its connection is lost, unless the end is permanent.
/// </summary>
/// <remarks>
/// <para>
/// Raw rooms have no recovery: messages of others between <see cref="Disconnected"/> and <see cref="Connected"/> are missed. An
/// application that must not miss any uses <see cref="CentrifugoClient"/> and rooms with history.
/// </para>
/// <para>
/// All members may be called from any thread. Messages and events are delivered in order through a bounded inbox, either to
/// <see cref="ReadAllAsync"/> or to handlers of <see cref="EventOccurred"/>.
/// </para>
/// </remarks>
public sealed class RelayClient : IAsyncDisposable, ISessions
{
    private readonly ConnectionLoop _loop;
    private readonly ClientSendQueue _queue;
    private readonly Inbox<ClientEvent> _inbox;
    private readonly TimeProvider _time;
    private readonly TimeSpan _idleLimit;
    private readonly bool _canRenewToken;

    /// <summary>Creates a client of one room; <see cref="Start"/> connects it.</summary>
    /// <inheritdoc cref="RelayClient(Uri, IEnumerable{string}, RelayClientOptions?)"/>
    public RelayClient(Uri endpoint, string room, RelayClientOptions? options = null)
        : this(endpoint, [room], options)
    {
    }

    /// <summary>Creates a client of several rooms: its messages are sent to all of them.</summary>
    /// <param name="endpoint">The relay's address, as <c>wss://example.com/ws</c>; may have a query.</param>
    /// <param name="rooms">The room names; if empty, the endpoint's query must have them.</param>
    /// <param name="options">Settings; <c>null</c> for the defaults.</param>
    /// <exception cref="ArgumentException">The endpoint is not absolute, or not <c>ws</c> or <c>wss</c>.</exception>
    public RelayClient(Uri endpoint, IEnumerable<string> rooms, RelayClientOptions? options = null)
    {
        options ??= new RelayClientOptions();
        ConnectRequest request = new(RelayAddress.Of(endpoint, rooms), null)
        {
            PingInterval = options.PingInterval,
        };
        _idleLimit = PingTimes.SilenceLimit(options.PingInterval, options.PingTimeout);
        _time = options.TimeProvider;
        _canRenewToken = options.GetToken is not null;
        _queue = new ClientSendQueue(options.SendQueue.ToSettings());
        _loop = new ConnectionLoop(options.ToReconnectSettings(), this, request, tokenInHead: true);
        BoundedChannelFullMode whenFull = options.WhenInboxFull == WhenInboxFull.Wait
            ? BoundedChannelFullMode.Wait : BoundedChannelFullMode.DropOldest;
        _inbox = new Inbox<ClientEvent>(options.InboxCapacity, whenFull, _loop.Handlers);
    }

    /// <summary>
    /// Raised for every message and event, in place of <see cref="ReadAllAsync"/>, one at a time and in order. A handler may call
    /// and await any member of this client, <see cref="DisposeAsync"/> included. Meanwhile further events wait in the inbox. An
    /// exception ends the client and fails <see cref="Completion"/>.
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

    /// <summary>
    /// Reads messages and events in order; the enumeration ends after <see cref="Closed"/>. One reader at a time; a later reader
    /// continues where the previous one stopped.
    /// </summary>
    public IAsyncEnumerable<ClientEvent> ReadAllAsync(CancellationToken cancellationToken = default)
        => _inbox.ReadAllAsync(cancellationToken);

    /// <summary>Sends text. See <see cref="SendAsync(ReadOnlyMemory{byte}, bool, CancellationToken)"/>.</summary>
    public Task<DeliveryResult> SendAsync(string text, CancellationToken cancellationToken = default)
        => SendAsync(Encoding.UTF8.GetBytes(text), isText: true, cancellationToken);

    /// <summary>
    /// Sends a message on the current connection or the next one. The result is <see cref="Delivery.Written"/>,
    /// <see cref="Delivery.Failed"/> or <see cref="Delivery.Unknown"/>. Messages are sent in the order of the calls.
    /// </summary>
    /// <param name="payload">Must not be modified until the result is available.</param>
    /// <param name="isText">Whether it is text; then it must be UTF-8, or the server ends the connection with 1007.</param>
    /// <param name="cancellationToken">Cancels the message while it is queued, but not one in flight.</param>
    /// <exception cref="OperationCanceledException">The message was cancelled.</exception>
    public Task<DeliveryResult> SendAsync(ReadOnlyMemory<byte> payload, bool isText = false, CancellationToken cancellationToken = default)
    {
        RawSend send = new(payload, isText);
        _queue.Add(send, cancellationToken);
        return send.Result;
    }

    /// <summary>
    /// Sends a close frame with 1000 and ends the client. Queued messages end as <see cref="Delivery.Failed"/>. May be called in
    /// every state and repeatedly. If a callback of this client calls it, it returns before the end, which <see cref="Completion"/>
    /// reports.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        _queue.Close("the client was closed");
        return _loop.DisposeAsync();
    }

    async Task<ConnectionEnd> ISessions.ServeAsync(IClientConnection connection, string? token, CancellationToken stop)
    {
        await _inbox.AddAsync(_loop.Opened(), stop);
        using CancellationTokenSource idle = new();
        using RunningTimeout timeout = new(_time, idle.Cancel, () => connection.IdleFor);
        timeout.Begin(_idleLimit);
        ConnectionEnd end = await Duplex.RunAsync(
            connection,
            _time,
            cancel => SendAllAsync(connection, cancel),
            cancel => ReceiveAllAsync(connection, cancel, idle.Token, stop),
            stop);
        return idle.IsCancellationRequested && end.Kind == EndKind.ConnectionLost
            ? new ConnectionEnd(EndKind.HeartbeatTimeout) { Reason = "no data arrived in time" } : end;
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

            // Without a token: stopping does not truncate a message in progress. If the connection breaks or times out, the receive
            // detects it, and ends the send.
            if (!await connection.SendAsync(send.Payload, send.IsText, CancellationToken.None))
            {
                send.End(new DeliveryResult(Delivery.Unknown, "the connection broke while it was being sent"));
                return;
            }

            send.End(new DeliveryResult(Delivery.Written));
        }
    }

    private async Task<ConnectionEnd> ReceiveAllAsync(IClientConnection connection, CancellationToken ended, CancellationToken idle,
        CancellationToken stop)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(ended, idle);
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
