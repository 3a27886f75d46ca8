using Weir.Handshake;
using Weir.Limits;
using Weir.Protocols.Centrifugo.Protocol;
using Weir.Relay.Streams;
using Weir.Timing;

namespace Weir.Protocols.Centrifugo.Sessions;

/// <summary>
/// A session over a response stream. The client's commands arrive in separate requests, at any node, and are handled here one
/// after another.
/// </summary>
internal sealed class StreamSession : ClientSession
{
    /// <summary>The maximum number of frames that wait to be handled.</summary>
    internal const int MaxWaiting = 256;

    private readonly Lock _waitingGate = new();
    private readonly Queue<ReadOnlyMemory<byte>> _waiting = new();
    private readonly ResponseStream _stream;
    private readonly StreamForm _form;
    private readonly PlannedEnd _plannedEnd;
    private readonly InboundMeter? _frames; // used only by the task that handles the frames
    private Task _handling = Task.CompletedTask;
    private bool _isHandling;
    private bool _hasEnded;

    public StreamSession(
        CentrifugoHub hub,
        string secret,
        ResponseStream stream,
        StreamForm form,
        TimeSpan pingInterval,
        UpgradeRequest request,
        InboundLimit? limit)
        : base(hub, stream.Id, request, limit)
    {
        _frames = limit?.Start(hub.CurrentRateTick);
        Secret = secret;
        PingInterval = pingInterval;
        _stream = stream;
        _form = form;
        _plannedEnd = new PlannedEnd(this);
    }

    /// <summary>Gets the secret by which the client addresses the session; it is sent to this client only.</summary>
    public string Secret { get; }

    // A ping is sent only when no other data was; a dead client is detected because it takes no data.
    protected override TimeSpan PingInterval { get; }

    protected override StreamAddress Address => new(Secret, Hub.Relay.NodeId);

    /// <summary>Queues a frame of the client.</summary>
    /// <param name="frame">Commands; kept.</param>
    public void Take(ReadOnlyMemory<byte> frame)
    {
        bool isTooMuch;
        lock (_waitingGate)
        {
            if (_hasEnded)
            {
                return;
            }

            isTooMuch = _waiting.Count >= MaxWaiting;
            if (!isTooMuch)
            {
                _waiting.Enqueue(frame);
                if (_isHandling)
                {
                    return;
                }

                _isHandling = true;
                _handling = Task.Run(HandleWaitingAsync);
            }
        }

        if (isTooMuch)
        {
            Leave(DisconnectReason.TooManyRequests);
        }
    }

    /// <summary>Ends the session after its stream. Completes when the session has left all channels.</summary>
    public async Task EndAsync()
    {
        Task handling;
        lock (_waitingGate)
        {
            _hasEnded = true;
            _waiting.Clear();
            handling = _handling;
        }

        Hub.Node.Calendar.Cancel(_plannedEnd);
        await handling.ConfigureAwait(false);
        OnClosed();
        Hub.Node.Calendar.Cancel(_plannedEnd); // the last command may have scheduled it
    }

    protected override void SendInsideLock(ReadOnlyMemory<byte> message) => Write(StreamForms.Format(_form, message.Span));

    protected override void SendInsideLock(EncodedPush push) => Write(push.As(_form));

    protected override void Close(DisconnectReason why) => _stream.End(StreamForms.Disconnect(_form, Hub.Form, why));

    protected override void PlanClose(DateTimeOffset? end, DisconnectReason why)
    {
        if (end is { } time)
        {
            _plannedEnd.Why = why;
            Hub.Node.Calendar.Schedule(_plannedEnd, time);
        }
        else
        {
            Hub.Node.Calendar.Cancel(_plannedEnd);
        }
    }

    private void Write(byte[] message) => _stream.Enqueue(message);

    private async Task HandleWaitingAsync()
    {
        while (true)
        {
            ReadOnlyMemory<byte> frame;
            lock (_waitingGate)
            {
                if (!_waiting.TryDequeue(out frame))
                {
                    _isHandling = false;
                    return;
                }
            }

            // Counted as on a connection, whichever node received the request.
            long now = Hub.CurrentRateTick;
            if (_frames is { } meter && !(meter.AllowsMessage(now) && meter.AllowsBytes(frame.Length, now)))
            {
                Leave(DisconnectReason.TooManyRequests);
            }

            await HandleAsync(frame).ConfigureAwait(false); // handles no command after Leave
        }
    }

    private sealed class PlannedEnd(StreamSession session) : CalendarEntry
    {
        public DisconnectReason Why { get; set; }

        protected override void OnDue() => session.Leave(Why);
    }
}
