using Weir.Relay.Brokers;

namespace Weir.Relay.Rooms;

/// <summary>A subscription that is to begin; completes when it has.</summary>
internal sealed class Subscribing(IRoomAudienceFactory audiences, IRoomListener listener, StreamPosition? from)
    : TaskCompletionSource<Recovery>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    private int _isTaken;

    public IRoomAudienceFactory Audiences => audiences;

    public IRoomListener Listener => listener;

    public StreamPosition? From => from;

    /// <summary>Returns true to the one caller that may complete it: the room's event loop, or a caller that cancels it.</summary>
    public bool TryTake() => Interlocked.Exchange(ref _isTaken, 1) == 0;
}
