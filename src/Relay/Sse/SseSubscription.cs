namespace Weir.Relay.Sse;

/// <summary>One stream in one room.</summary>
/// <param name="stream">The stream.</param>
/// <param name="name">The room's name.</param>
/// <param name="room">The room's place in the request.</param>
/// <param name="from">The last position the client knows; null: none.</param>
/// <param name="complaint">Why a position that it did name cannot be read; null: it can.</param>
internal sealed class SseSubscription(SseStream stream, string name, int room, StreamPosition? from, string? complaint) : IRoomListener
{
    private SseAudience? _audience;

    public SseStream Stream => stream;

    public string Name => name;

    public int Room => room;

    public StreamPosition? From => from;

    /// <summary>Where the audience keeps it; guarded by that.</summary>
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
            // The position moves with this event: until it is written, ids name the one that the client came with.
            stream.Enqueue(SseEvent.Loss(room, SseFormat.Lost(name, reason, here), here));
        }
        else if (from is null)
        {
            stream.Place.Set(room, here);
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
