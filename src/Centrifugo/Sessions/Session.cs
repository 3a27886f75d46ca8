using System.Diagnostics;
using System.Text.Json;
using Weir.Centrifugo.Diagnostics;
using Weir.Centrifugo.Protocol;
using Weir.Limits;
using Weir.Relay;
using Weir.Relay.Api;

namespace Weir.Centrifugo.Sessions;

/// <summary>
/// One client from its connect to its end, whatever carries it. Commands come one after another; what happens in channels
/// comes from their rooms' drains, what expires from the wheel's thread.
/// </summary>
/// <remarks>
/// <para>The lock is the dictionary of subscriptions. Under it messages are written and subscriptions begin and end, so that a
/// reply is on its way before the first push that belongs behind it. Locks of audiences and rooms may be taken inside, never
/// the other way round.</para>
/// <para>Replies gather while a frame is handled, and leave together; when something has to be waited for, those that are there
/// leave first.</para>
/// <para>The limit of messages holds twice: for frames, which whatever carries the session counts, and for the commands in them, which are
/// counted here by the task that handles the frames.</para>
/// </remarks>
internal abstract partial class Session : CentrifugoClient
{
    // What channels say before the connect is answered; a broker that takes longer than that has other troubles.
    private const int MaxHeld = 1024;

    private readonly Dictionary<string, ClientSubscription> _subscriptions = new(StringComparer.Ordinal);
    private readonly InboundLimit.Meter? _commands;
    private UpgradeRequest? _request;
    private ReplyBatch? _batch;
    private Queue<Push>? _held;
    private int _framesInHand;
    private volatile Stage _stage;
    private volatile bool _isLeaving;

    protected Session(CentrifugoHub hub, string id, UpgradeRequest request, InboundLimit? limit)
        : base(id)
    {
        Hub = hub;
        _request = request;
        _commands = limit?.Start(hub.CurrentRateTick);
    }

    private enum Stage : byte
    {
        /// <summary>Nothing but a connect is accepted.</summary>
        New,

        /// <summary>The connect is not answered yet.</summary>
        Connecting,

        /// <summary>Connected.</summary>
        Open,

        /// <summary>Over.</summary>
        Closed,
    }

    /// <summary>The connection that carries it; null: a stream.</summary>
    public virtual WeirConnection? Connection => null;

    /// <summary>The connect has been answered.</summary>
    public bool IsOpen => _stage == Stage.Open;

    /// <summary>Its place among those of its user; guarded by the index of users.</summary>
    public UserIndex.Link? OfUser { get; set; }

    protected CentrifugoHub Hub { get; }

    /// <summary>How often the client is pinged; zero: never.</summary>
    protected abstract TimeSpan PingInterval { get; }

    /// <summary>The client answers pings.</summary>
    protected virtual bool WantsPong => false;

    public override void Send(ReadOnlyMemory<byte> data)
    {
        if (!JsonText.IsValid(data.Span))
        {
            throw new ArgumentException("A message is JSON.", nameof(data));
        }

        lock (_subscriptions)
        {
            if (!IsOpen)
            {
                return;
            }

            Utf8JsonWriter json = Batch().BeginLine();
            json.WriteStartObject("push"u8);
            json.WriteStartObject("message"u8);
            json.WritePropertyName("data"u8);
            ApiAnswer.WriteOnOneLine(json, data.Span);
            json.WriteEndObject();
            json.WriteEndObject();
            EndLineInsideLock();
        }
    }

    public override void Disconnect(CloseCode code, string reason) => Leave(new Goodbye(code, reason));

    /// <summary>A message of a channel, for a session that does not share frames with others.</summary>
    public void Deliver(Push push)
    {
        lock (_subscriptions)
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

            _held ??= new Queue<Push>();
            if (_held.Count < MaxHeld)
            {
                _held.Enqueue(push);
                return;
            }

            _stage = Stage.Closed; // before anything that would come behind the gap
        }

        Leave(Goodbye.Slow);
    }

    /// <summary>It has ended: leaves all channels. No command is handled any more.</summary>
    public void OnClosed()
    {
        ClientSubscription[] all;
        lock (_subscriptions)
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

    /// <summary>Sends lines that leave in one message.</summary>
    protected abstract void SendInsideLock(ReadOnlyMemory<byte> lines);

    /// <inheritdoc cref="SendInsideLock(ReadOnlyMemory{byte})"/>
    protected abstract void SendInsideLock(Push push);

    /// <summary>Ends what carries it, behind what was sent.</summary>
    protected abstract void Close(Goodbye why);

    /// <summary>Has it ended at a time of the wall clock; <c>null</c>: at none.</summary>
    protected abstract void PlanClose(DateTimeOffset? end, Goodbye why);

    /// <summary>Whether a pong is an answer to a ping that has none.</summary>
    protected virtual bool TakePong() => false;

    /// <summary>Ends the session, behind the replies that are there.</summary>
    protected void Leave(Goodbye why)
    {
        _isLeaving = true;
        CentrifugoLog.Disconnected(Hub.Logger, Id, (int)why.Code, why.Reason);
        Flush();
        Close(why);
    }

    // ----- Messages -----

    private ReplyBatch Batch()
    {
        Debug.Assert(Monitor.IsEntered(_subscriptions));
        return _batch ??= ReplyBatch.Rent();
    }

    private void EndLineInsideLock()
    {
        Batch().EndLine();
        FlushUnlessGatheringInsideLock();
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
        Debug.Assert(Monitor.IsEntered(_subscriptions));
        if (_batch is { } batch)
        {
            _batch = null;
            if (_stage != Stage.Closed)
            {
                SendInsideLock(batch.Lines);
            }

            batch.Return();
        }
    }

    private void Flush()
    {
        lock (_subscriptions)
        {
            FlushInsideLock();
        }
    }

    private void Reply(uint id, ReplyError error)
    {
        lock (_subscriptions)
        {
            Batch().AddError(id, error);
            FlushUnlessGatheringInsideLock();
        }
    }

    private void ReplyEmpty(uint id, ReadOnlySpan<byte> method)
    {
        lock (_subscriptions)
        {
            Batch().AddEmpty(id, method);
            FlushUnlessGatheringInsideLock();
        }
    }
}
