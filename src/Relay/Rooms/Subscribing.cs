namespace Weir.Relay.Rooms;

/// <summary>A subscription that is to begin; completes when it has.</summary>
internal sealed class Subscribing(IRoomAudienceFactory audiences, IRoomListener listener, StreamPosition? from)
    : TaskCompletionSource<Recovery>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    private int _isTaken;

    public IRoomAudienceFactory Audiences => audiences;

    public IRoomListener Listener => listener;

    public StreamPosition? From => from;

    /// <summary>True for the one who may end it: the room's drain, or whoever asked and does not want it any more.</summary>
    public bool TryTake() => Interlocked.Exchange(ref _isTaken, 1) == 0;
}
