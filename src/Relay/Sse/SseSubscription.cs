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
        string? reason = complaint
            ?? (from is not { } asked || recovery.IsRecovered ? null
                : recovery.Position.Epoch.Length == 0 ? "no_history"
                : asked.Epoch != recovery.Position.Epoch ? "epoch" : "trimmed");
        stream.Start(room, recovery.IsRecovered ? from!.Value : recovery.Position);
        if (reason is not null)
        {
            byte[]? id = recovery.Position.Epoch.Length > 0 ? SseFormat.Id(recovery.Position) : null;
            stream.Enqueue(new SseEvent(room, SseFormat.Lost(name, reason, recovery.Position), id, recovery.Position));
        }

        foreach (Publication missed in recovery.Publications)
        {
            stream.Enqueue(new SseEvent(room, Body: null, Id: null, recovery.Position with { Offset = missed.Offset }, missed));
        }

        _audience = (SseAudience)audience;
        _audience.Add(this);
    }

    public void Leave() => _audience?.Remove(this);
}
