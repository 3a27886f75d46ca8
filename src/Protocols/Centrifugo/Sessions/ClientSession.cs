using System.Diagnostics;
using Weir.Closing;
using Weir.Connections;
using Weir.Handshake;
using Weir.Limits;
using Weir.Protocol;
using Weir.Protocols.Centrifugo.Applications;
using Weir.Protocols.Centrifugo.Diagnostics;
using Weir.Protocols.Centrifugo.Protocol;
using Weir.Relay.Json;

namespace Weir.Protocols.Centrifugo.Sessions;

/// <summary>
/// One client from its connect to its end, over any transport. Commands arrive one after another; events of channels are raised by
/// their room event loops, expirations by the timer wheel's thread.
/// </summary>
/// <remarks>
/// <para>Messages are written, and subscriptions begin and end, under the lock, so that a
/// reply is sent before the first push that must follow it. Locks of audiences and rooms may be taken inside it, never the
/// other way round.</para>
/// <para>Replies are batched while a frame is handled, and sent together; before the handling waits, the pending ones are
/// flushed.</para>
/// <para>The message limit applies twice: to frames, which the transport of the session counts, and to the commands in them, which
/// are counted here by the task that handles the frames.</para>
/// </remarks>
internal abstract partial class ClientSession : CentrifugoSession
{
    // Pushes of channels held until the connect is answered; more arrive only if the broker is very slow.
    private const int MaxHeld = 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, ClientSubscription> _subscriptions = new(StringComparer.Ordinal);
    private readonly InboundMeter? _commands;
    private UpgradeRequest? _request;
    private ReplyBatch? _batch;
    private Queue<EncodedPush>? _held;
    private int _framesInHand;
    private volatile Stage _stage;
    private volatile bool _isLeaving;

    protected ClientSession(CentrifugoHub hub, string id, UpgradeRequest request, InboundLimit? limit)
        : base(id)
    {
        Hub = hub;
        _request = request;
        _commands = limit?.Start(hub.CurrentRateTick);
    }

    private enum Stage : byte
    {
        /// <summary>Only a connect is accepted.</summary>
        New,

        /// <summary>The connect is not answered yet.</summary>
        Connecting,

        /// <summary>Connected.</summary>
        Open,

        /// <summary>Ended.</summary>
        Closed,
    }

    /// <summary>Gets the connection of the session; <c>null</c> for a stream.</summary>
    public virtual WeirConnection? Connection => null;

    /// <summary>Gets whether the connect has been answered.</summary>
    public bool IsOpen => _stage == Stage.Open;

    /// <summary>Gets or sets its list entry among the sessions of its user; guarded by the index of users.</summary>
    public UserIndex.Link? OfUser { get; set; }

    protected CentrifugoHub Hub { get; }

    /// <summary>Gets the interval of pings; zero if none are sent.</summary>
    protected abstract TimeSpan PingInterval { get; }

    /// <summary>Gets whether the client has to answer pings.</summary>
    protected virtual bool ExpectsPong => false;

    /// <summary>Gets the ids by which the client addresses its session; <c>null</c> if it has a connection.</summary>
    protected virtual StreamAddress? Address => null;

    public override void Send(ReadOnlyMemory<byte> data)
    {
        if (!JsonText.IsValid(data.Span))
        {
            throw new ArgumentException("A message must be JSON.", nameof(data));
        }

        lock (_gate)
        {
            if (!IsOpen)
            {
                return;
            }

            BatchInsideLock().AddMessagePush(data);
            FlushUnlessGatheringInsideLock();
        }
    }

    public override void Disconnect(CloseCode code, string reason)
        => Leave(new DisconnectReason(code, reason, CloseCause.ApplicationClosed));

    /// <summary>Delivers a message of a channel to a session that does not share frames with others.</summary>
    public void Deliver(EncodedPush push)
    {
        lock (_gate)
        {
            if (IsOpen)
            {
                SendInsideLock(push);
                return;
            }

            if (_stage == Stage.Closed)
            {
                return;
            }

            _held ??= new Queue<EncodedPush>();
            if (_held.Count < MaxHeld)
            {
                _held.Enqueue(push);
                return;
            }

            _stage = Stage.Closed; // before any message that would follow the gap
        }

        Leave(DisconnectReason.Slow);
    }

    /// <summary>Leaves all channels after the end of the transport. No further command is handled.</summary>
    public void OnClosed()
    {
        ClientSubscription[] all;
        lock (_gate)
        {
            _stage = Stage.Closed;
            _held = null;
            _batch?.Return();
            _batch = null;
            all = [.. _subscriptions.Values];
        }

        foreach (ClientSubscription subscription in all)
        {
            End(subscription);
        }

        Hub.UserIndex.Remove(this);
    }

    /// <summary>Sends a message.</summary>
    protected abstract void SendInsideLock(ReadOnlyMemory<byte> message);

    /// <inheritdoc cref="SendInsideLock(ReadOnlyMemory{byte})"/>
    protected abstract void SendInsideLock(EncodedPush push);

    /// <summary>Closes the transport after the messages sent so far.</summary>
    protected abstract void Close(DisconnectReason why);

    /// <summary>Schedules the end at a time of the wall clock; <c>null</c> cancels it.</summary>
    protected abstract void PlanClose(DateTimeOffset? end, DisconnectReason why);

    /// <summary>Returns whether a pong answers an outstanding ping.</summary>
    protected virtual bool TakePong() => false;

    /// <summary>Ends the session after the pending replies.</summary>
    public void Leave(DisconnectReason why)
    {
        _isLeaving = true;
        CentrifugoLog.Disconnected(Hub.Logger, Id, (int)why.Code, why.Cause, why.Reason);
        Flush();
        Close(why);
    }

    // ----- Messages -----

    private ReplyBatch BatchInsideLock()
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        return _batch ??= Hub.Form.RentBatch();
    }

    private void FlushUnlessGatheringInsideLock()
    {
        if (_framesInHand == 0)
        {
            FlushInsideLock();
        }
    }

    private void FlushInsideLock()
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        if (_batch is { } batch)
        {
            _batch = null;
            if (_stage != Stage.Closed)
            {
                SendInsideLock(batch.Message);
            }

            batch.Return();
        }
    }

    private void Flush()
    {
        lock (_gate)
        {
            FlushInsideLock();
        }
    }

    private void Reply(uint id, ReplyError error)
    {
        lock (_gate)
        {
            BatchInsideLock().AddError(id, error);
            FlushUnlessGatheringInsideLock();
        }
    }
}
