using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Weir.Buffers;
using Weir.Closing;
using Weir.Diagnostics;
using Weir.Handshake;
using Weir.Limits;
using Weir.Protocol;
using Weir.Protocol.Compression;
using Weir.Rooms;
using Weir.Sending;
using Weir.Transports;

namespace Weir.Connections;

/// <summary>One open WebSocket connection, as a handler sees it. All members are thread-safe.</summary>
/// <remarks>
/// Sending never blocks and never waits for the peer. Messages leave whole and in the order of the calls; what several
/// threads send at once is not interleaved. What a handler sends before it returns leaves in one flush.
/// </remarks>
public sealed partial class WeirConnection : IRoomMember
{
    private readonly WeirEndpoint _endpoint;
    private readonly ConnectionContext _transport;
    private readonly ConnectionTimer _timer;
    private readonly ConnectionSender _sender;
    private readonly InboundMeter? _meter;
    private readonly IPAddress? _reportedAddress; // by a proxy; else only the transport holds it
    private MessageReader? _reader; // null between messages, unless it has a history to keep
    private long _bytesLeft;
    private UpgradeRequest? _request;
    private IDictionary<object, object?>? _items;

    internal WeirConnection(
        WeirEndpoint endpoint,
        ConnectionContext transport,
        ConnectionTimer timer,
        UpgradeRequest request,
        IPAddress? remoteAddress,
        string? subprotocol,
        DeflateParameters? deflate)
    {
        _endpoint = endpoint;
        _transport = transport;
        _timer = timer;
        _request = request;
        _reportedAddress = Equals(remoteAddress, TransportAddress) ? null : remoteAddress;
        Subprotocol = subprotocol;
        _meter = endpoint.Inbound?.Start(timer.CurrentTick);
        DeflateContext? context = deflate is { } parameters ? new DeflateContext(
            parameters, endpoint.Sending.Zlib!, mayDrop: endpoint.Sending.Pressure.Policy != PressurePolicy.Close) : null;
        // A transport with its own threads whose pipe is not wrapped in another (TLS).
        bool isDirect = transport.Transport.Input is LoopReader;
        _sender = new ConnectionSender(transport.Transport.Output, endpoint.Sending, this, context, isDirect);
        _reader = deflate is null ? null : new MessageReader(endpoint.Reading, deflate);
    }

    /// <summary>The transport's id of the connection, as in the server's logs.</summary>
    public string Id => _transport.ConnectionId;

    /// <summary>The path of the endpoint it came to.</summary>
    public string Path => _endpoint.Path;

    /// <summary>The request that opened the connection.</summary>
    /// <exception cref="InvalidOperationException">
    /// It was released after <see cref="WeirHandler.OnOpenedAsync"/>, see <see cref="WeirOptions.KeepRequest"/>.
    /// </exception>
    public UpgradeRequest Request => _request ?? throw new InvalidOperationException(
        "The request is kept only until OnOpenedAsync has completed: take what you need there, or set WeirOptions.KeepRequest.");

    /// <summary>The negotiated subprotocol; <c>null</c> if there is none.</summary>
    public string? Subprotocol { get; }

    /// <summary>The peer's address as reported by the transport; <c>null</c> if the transport has none.</summary>
    public EndPoint? RemoteEndPoint => _transport.RemoteEndPoint;

    /// <summary>
    /// The client's address: the transport's, or the one reported by a trusted proxy (<see
    /// cref="WeirNodeOptions.TrustedProxies"/>); <c>null</c> if the transport is not an IP network.
    /// </summary>
    public IPAddress? RemoteAddress => _reportedAddress ?? TransportAddress;

    /// <summary>The address the peer connected to; <c>null</c> if the transport has none.</summary>
    public EndPoint? LocalEndPoint => _transport.LocalEndPoint;

    /// <summary>One object of the handler's own, the cheap way to keep state; null at first.</summary>
    public object? State { get; set; }

    /// <summary>
    /// Items that other components keep for this connection; created at first use. The dictionary itself is not thread-safe.
    /// </summary>
    public IDictionary<object, object?> Items => _items
        ?? Interlocked.CompareExchange(ref _items, new Dictionary<object, object?>(), null) ?? _items;

    /// <summary>Bytes sent that the transport has not taken yet, because the peer reads slowly; 0 for one that keeps up.</summary>
    public long PendingBytes => _sender.PendingBytes;

    private IPAddress? TransportAddress => (_transport.RemoteEndPoint as IPEndPoint)?.Address;

    /// <summary>The rooms that the connection is in.</summary>
    RoomMemberships IRoomMember.Memberships => Memberships;

    internal RoomMemberships Memberships { get; } = new();

    /// <summary>Sends one message.</summary>
    /// <param name="payload">The message, copied before the call returns. Text must be valid UTF-8.</param>
    /// <param name="kind">Text or binary.</param>
    /// <param name="key">
    /// What this is the latest value of, such as "EUR/USD": where the policy is <see cref="PressurePolicy.KeepLatest"/> it
    /// replaces a message of the same key that still waits. Null, the default: nothing in particular.
    /// </param>
    /// <returns>The result for the message.</returns>
    public SendResult Send(in ReadOnlySequence<byte> payload, MessageKind kind, string? key = null)
    {
        SendScope? scope = SendScope.Current;
        SendResult result = _sender.Send((Opcode)kind, payload, key, scope);
        if (result > SendResult.Queued)
        {
            return result;
        }

        if (scope is not null)
        {
            scope.Sent.Count(_endpoint.Engine.Metrics.Sent, 1, payload.Length);
        }
        else
        {
            _endpoint.Engine.Metrics.Sent.Add(1, payload.Length);
        }

        return result;
    }

    /// <inheritdoc cref="Send(in ReadOnlySequence{byte}, MessageKind, string?)"/>
    public SendResult Send(ReadOnlyMemory<byte> payload, MessageKind kind, string? key = null)
        => Send(new ReadOnlySequence<byte>(payload), kind, key);

    /// <summary>Sends one text message.</summary>
    /// <exception cref="EncoderFallbackException">The text has half of a surrogate pair and so is no Unicode.</exception>
    public SendResult Send(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        byte[] bytes = _endpoint.Reading.Arrays.Rent(_strictUtf8.GetMaxByteCount(text.Length));
        try
        {
            int size = _strictUtf8.GetBytes(text, bytes);
            return Send(bytes.AsMemory(0, size), MessageKind.Text);
        }
        finally
        {
            _endpoint.Reading.Arrays.Return(bytes);
        }
    }

    /// <summary>
    /// Begins the closing handshake: the close frame goes out behind what was accepted before, messages that arrive later
    /// are ignored, and the transport ends with the peer's answer or after <see cref="WeirOptions.CloseTimeout"/>.
    /// </summary>
    /// <param name="code">Why. 1000 by default. Codes that may not be sent (1004-1006, 1015, below 1000, from 5000) are refused.</param>
    /// <param name="reason">At most 123 bytes of UTF-8; a longer one is cut at a character.</param>
    /// <param name="cause">
    /// What metrics, logs and <see cref="WeirHandler.OnClosedAsync"/> report. Any cause from <see cref="CloseCause.ApplicationClosed"/>,
    /// the default, to <see cref="CloseCause.Draining"/>, except <see cref="CloseCause.ApplicationAborted"/>.
    /// </param>
    /// <returns>False if the connection was already closing or closed; the first code and cause are kept.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The code may not be sent (RFC 6455 section 7.4), or the cause is one that is only observed.
    /// </exception>
    public bool Close(
        CloseCode code = CloseCode.Normal, string reason = "", CloseCause cause = CloseCause.ApplicationClosed)
    {
        ClosePayload.ThrowUnlessSendable(code, reason);
        CloseCauses.ThrowUnlessNameable(cause);
        return BeginClose(new WeirClosure(code, reason, cause));
    }

    /// <summary>
    /// Plans a <see cref="Close"/>: for a permission that ends at a known time. A later call replaces the plan; a connection that
    /// is closing or closed takes none.
    /// </summary>
    /// <remarks>As <see cref="CloseAt"/> with the time that the wall clock shows then.</remarks>
    /// <param name="delay">
    /// From now; zero or less: immediately. <c>null</c>, or beyond the last <see cref="DateTimeOffset"/>, cancels the plan.
    /// </param>
    /// <param name="code">As for <see cref="Close"/>.</param>
    /// <param name="reason">As for <see cref="Close"/>.</param>
    /// <param name="cause">As for <see cref="Close"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">As for <see cref="Close"/>.</exception>
    public void CloseAfter(TimeSpan? delay, CloseCode code, string reason, CloseCause cause = CloseCause.ApplicationClosed)
    {
        DateTimeOffset now = _endpoint.Engine.Time.GetUtcNow();
        DateTimeOffset? end = delay is not { } time || time > DateTimeOffset.MaxValue - now ? null
            : time <= TimeSpan.Zero ? now : now + time;
        CloseAt(end, code, reason, cause);
    }

    /// <summary>
    /// Plans a <see cref="Close"/> for a time of the wall clock, such as the <c>exp</c> of a token. A later call, of this or of
    /// <see cref="CloseAfter"/>, replaces the plan; a connection that is closing or closed takes none.
    /// </summary>
    /// <remarks>
    /// The connection is closed when the clock (<see cref="TimeProvider.GetUtcNow"/>) has passed the time, never before it, also
    /// where the process or the machine stood still meanwhile. A message that is received after the time is not handed to
    /// the handler, even if the timer has not had its turn yet. A clock that is set forward is noticed within a second.
    /// </remarks>
    /// <param name="end">The time; one that has passed: immediately. <c>null</c> cancels the plan.</param>
    /// <param name="code">As for <see cref="Close"/>.</param>
    /// <param name="reason">As for <see cref="Close"/>.</param>
    /// <param name="cause">As for <see cref="Close"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">As for <see cref="Close"/>.</exception>
    public void CloseAt(DateTimeOffset? end, CloseCode code, string reason, CloseCause cause = CloseCause.ApplicationClosed)
    {
        ClosePayload.ThrowUnlessSendable(code, reason);
        CloseCauses.ThrowUnlessNameable(cause);
        _timer.CloseAt(end, new WeirClosure(code, reason, cause));
    }

    /// <summary>
    /// Plans a <see cref="Close"/> of a client that misses a deadline, such as that of a protocol's first message. As with
    /// <see cref="CloseAt"/>, a later plan replaces it, and it replaces an earlier one; unlike there, process pauses do not count.
    /// </summary>
    /// <param name="timeout">From now; the close is at most two ticks (200 ms) later, and never earlier.</param>
    /// <param name="code">The close code.</param>
    /// <param name="reason">The reason that goes with it; truncated to 123 bytes.</param>
    /// <param name="cause">As for <see cref="Close"/>, and <see cref="CloseCause.ConnectTimeout"/> by default.</param>
    /// <exception cref="ArgumentOutOfRangeException">As for <see cref="Close"/>.</exception>
    [Experimental("WEIR001")]
    public void CloseUnlessReplanned(
        TimeSpan timeout, CloseCode code, string reason, CloseCause cause = CloseCause.ConnectTimeout)
    {
        ClosePayload.ThrowUnlessSendable(code, reason);
        CloseCauses.ThrowUnlessNameable(cause);
        _timer.CloseUnlessReplanned(timeout, new WeirClosure(code, reason, cause));
    }

    /// <summary>Aborts the connection immediately, without a closing handshake. Queued messages are lost.</summary>
    public void Abort() => Abort("The application aborted the connection.", CloseCause.ApplicationAborted);

    /// <summary>
    /// The handler was sent the answer to <see cref="HeartbeatOptions.Message"/>. It is not needed to detect that the peer responds;
    /// it measures the round trip, and shows which answers have no heartbeat.
    /// </summary>
    /// <returns>False if no heartbeat is unanswered.</returns>
    public bool TakeHeartbeatAnswer()
    {
        if (Volatile.Read(ref _heartbeatsUnanswered) <= 0)
        {
            return false;
        }

        Interlocked.Decrement(ref _heartbeatsUnanswered);
        OnPong();
        return true;
    }

    /// <summary>Sends the messages of a run that is shared with others.</summary>
    void IRoomMember.SendShared(SharedFrames run, string? key, ref TrafficBatch sent)
    {
        if (_sender.Send(run, key) <= SendResult.Queued)
        {
            sent.Count(_endpoint.Engine.Metrics.Sent, run.Count, run.PayloadBytes);
        }
    }

    /// <summary>
    /// Loads into the cache what a send touches, one object further with each call: the sender, then its output. The connection
    /// itself should be there by then.
    /// </summary>
    internal void FetchAhead(int callsBefore)
    {
        if (callsBefore > 1)
        {
            Prefetch.Instance(_sender);
        }
        else
        {
            _sender.PrefetchOutput();
        }
    }

    void IRoomMember.FetchAhead(int callsBefore) => FetchAhead(callsBefore);

    private static readonly UTF8Encoding _strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
}
