using Weir.Relay.Brokers;
using Weir.Relay.Rooms;

namespace Weir.Relay.Streams;

/// <summary>One stream in one room.</summary>
/// <param name="stream">The stream.</param>
/// <param name="name">The room's name.</param>
/// <param name="room">The room's index in the request.</param>
/// <param name="from">The client's last position; <c>null</c> if none.</param>
/// <param name="complaint">Why the position in its request cannot be read; <c>null</c> if it can.</param>
internal sealed class SseSubscription(ResponseStream stream, string name, int room, StreamPosition? from, string? complaint) : IRoomListener
{
    private SseAudience? _audience;

    public ResponseStream Stream => stream;

    public string Name => name;

    public int Room => room;

    public StreamPosition? From => from;

    /// <summary>The index in the audience's list; guarded by the audience.</summary>
    public int Index { get; set; }

    public void OnSubscribed(IRoomAudience audience, Recovery recovery)
    {
        StreamPosition here = recovery.Position;
        string? reason = complaint
            ?? (from is not { } asked || recovery.IsRecovered ? null
                : here.Epoch.Length == 0 ? "no_history"
                : asked.Epoch != here.Epoch ? "epoch" : "trimmed");
        if (reason is not null)
        {
            // The position moves with this event: until it is written, ids name that of the client's request.
            stream.Enqueue(SseEvent.Loss(room, SseFormat.Lost(name, reason, here), here));
        }
        else if (from is null)
        {
            stream.Cursor.Set(room, here);
        }

        foreach (Publication missed in recovery.Publications)
        {
            stream.Enqueue(new SseEvent(room, Body: null, Id: null, here with { Offset = missed.Offset }, missed));
        }

        _audience = (SseAudience)audience;
        _audience.Add(this);
    }

    public void Leave() => _audience?.Remove(this);
}
