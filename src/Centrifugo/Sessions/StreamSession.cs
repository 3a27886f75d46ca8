using System.Text.Json;
using Weir.Centrifugo.Protocol;
using Weir.Limits;
using Weir.Relay.Sse;
using Weir.Timing;

namespace Weir.Centrifugo.Sessions;

/// <summary>
/// A session over a response that does not end. What the client says comes in requests of its own, to whatever node, and is
/// handled here one after another.
/// </summary>
internal sealed class StreamSession : Session
{
    /// <summary>The most that a client may have said and nobody has looked at yet.</summary>
    internal const int MaxWaiting = 256;

    private readonly Queue<ReadOnlyMemory<byte>> _said = new();
    private readonly SseStream _stream;
    private readonly StreamForm _form;
    private readonly PlannedEnd _plannedEnd;
    private readonly InboundLimit.Meter? _frames; // belongs to the task that handles what was said
    private Task _handling = Task.CompletedTask;
    private bool _isHandling;
    private bool _hasEnded;

    public StreamSession(
        CentrifugoHub hub, string secret, SseStream stream, StreamForm form, TimeSpan pingInterval, UpgradeRequest request, InboundLimit? limit)
        : base(hub, stream.Id, request, limit)
    {
        _frames = limit?.Start(hub.CurrentRateTick);
        Secret = secret;
        PingInterval = pingInterval;
        _stream = stream;
        _form = form;
        _plannedEnd = new PlannedEnd(this);
    }

    /// <summary>By which the client names the session. Never told to anybody else.</summary>
    public string Secret { get; }

    // A ping is only sent when nothing else was; a client that is gone shows by taking nothing.
    protected override TimeSpan PingInterval { get; }

    /// <summary>The client has said something.</summary>
    /// <param name="frame">Commands; kept.</param>
    public void Take(ReadOnlyMemory<byte> frame)
    {
        bool isTooMuch;
        lock (_said)
        {
            if (_hasEnded)
            {
                return;
            }

            isTooMuch = _said.Count >= MaxWaiting;
            if (!isTooMuch)
            {
                _said.Enqueue(frame);
                if (_isHandling)
                {
                    return;
                }

                _isHandling = true;
                _handling = Task.Run(HandleSaidAsync);
            }
        }

        if (isTooMuch)
        {
            Leave(Goodbye.TooManyRequests);
        }
    }

    /// <summary>The stream has ended. Completes when the session has left everything.</summary>
    public async Task EndAsync()
    {
        Task handling;
        lock (_said)
        {
            _hasEnded = true;
            _said.Clear();
            handling = _handling;
        }

        Hub.Engine.Calendar.Cancel(_plannedEnd);
        await handling.ConfigureAwait(false);
        OnClosed();
        Hub.Engine.Calendar.Cancel(_plannedEnd); // the last command may have planned it
    }

    protected override void SendInsideLock(ReadOnlyMemory<byte> lines) => Write(StreamForms.Format(_form, lines.Span));

    protected override void SendInsideLock(Push push) => Write(push.As(_form));

    protected override void Close(Goodbye why) => _stream.End(StreamForms.Farewell(_form, why));

    protected override void PlanClose(DateTimeOffset? end, Goodbye why)
    {
        if (end is { } time)
        {
            _plannedEnd.Why = why;
            Hub.Engine.Calendar.Schedule(_plannedEnd, time);
        }
        else
        {
            Hub.Engine.Calendar.Cancel(_plannedEnd);
        }
    }

    protected override void WriteSession(Utf8JsonWriter json)
    {
        json.WriteString("session"u8, Secret);
        json.WriteString("node"u8, Hub.Relay.NodeId);
    }

    private void Write(byte[] message) => _stream.Enqueue(new SseEvent(0, message, Id: null, default));

    private async Task HandleSaidAsync()
    {
        while (true)
        {
            ReadOnlyMemory<byte> frame;
            lock (_said)
            {
                if (!_said.TryDequeue(out frame))
                {
                    _isHandling = false;
                    return;
                }
            }

            // As a connection counts what it receives, whatever node it came by.
            long now = Hub.CurrentRateTick;
            if (_frames is { } meter && !(meter.AllowsMessage(now) && meter.AllowsBytes(frame.Length, now)))
            {
                Leave(Goodbye.TooManyRequests);
            }

            await HandleAsync(frame).ConfigureAwait(false); // none, when it has left
        }
    }

    private sealed class PlannedEnd(StreamSession session) : CalendarEntry
    {
        public Goodbye Why { get; set; }

        protected internal override void OnDue() => session.Leave(Why);
    }
}
