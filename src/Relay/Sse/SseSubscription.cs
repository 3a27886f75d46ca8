namespace Weir.Relay.Sse;

/// <summary>One stream in one room.</summary>
/// <param name="stream">The stream.</param>
/// <param name="name">The room's name.</param>
/// <param name="room">The room's place in the request.</param>
/// <param name="from">The last position the client knows; null: none.</param>
/// <param name="complaint">Why a position that it did name cannot be read; null: it can.</param>
internal sealed class SseSubscription(SseStream stream, string name, int room, StreamPosition? from, string? complaint) : IRoomListener
{
    /// <summary>The reason of a loss where the stream began while the broker was away.</summary>
    public const string NotKnown = "unknown";

    private SseAudience? _audience;

    public SseStream Stream => stream;

    public string Name => name;

    public int Room => room;

    public StreamPosition? From => from;

    /// <summary>
    /// Whether it is known from where on the stream is given the room's publications; false for a room with history whose
    /// position was not known. Guarded by the audience.
    /// </summary>
    public bool IsPlaced { get; set; }

    /// <summary>Where the audience keeps it; guarded by that.</summary>
    public int Index { get; set; }

    public void OnSubscribed(IRoomAudience audience, Recovery recovery)
    {
        SseAudience streams = (SseAudience)audience;
        StreamPosition here = recovery.Position;
        IsPlaced = here.Epoch.Length > 0 || !streams.KeepsHistory;
        StreamPosition start = IsPlaced ? here : SsePlace.Unknown;
        string? reason = complaint
            ?? (from is not { } asked || recovery.IsRecovered ? null
                : here.Epoch.Length == 0 ? "no_history"
                : asked.Epoch != here.Epoch ? "epoch" : "trimmed");
        if (reason is not null)
        {
            // The position moves with this event: until it is written, ids name the one that the client came with.
            stream.Enqueue(SseEvent.Loss(room, SseFormat.Lost(name, reason, here), start));
        }
        else if (from is null)
        {
            stream.Place.Set(room, start);
        }

        foreach (Publication missed in recovery.Publications)
        {
            stream.Enqueue(new SseEvent(room, Body: null, Id: null, here with { Offset = missed.Offset }, missed));
        }

        _audience = streams;
        _audience.Add(this);
    }

    public void Leave() => _audience?.Remove(this);
}
