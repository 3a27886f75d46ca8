using Weir.Sending;

namespace Weir.Relay.Rooms;

/// <summary>
/// Puts off the start of drains while one thread hands over what has arrived together. Without it the first announcement of
/// a burst wakes a thread that takes it alone, and the members are walked twice: once for it, once for the rest.
/// </summary>
/// <remarks>Bound to its thread, between <see cref="Begin"/> and <see cref="End"/>.</remarks>
internal sealed class DrainBatch
{
    [ThreadStatic]
    private static DrainBatch? _ofThread;

    private readonly List<RoomDrain> _waiting = [];
    private bool _isOpen;

    public static void Begin() => (_ofThread ??= new DrainBatch())._isOpen = true;

    /// <summary>Starts what was put off.</summary>
    public static void End()
    {
        if (_ofThread is not { } batch)
        {
            return;
        }

        batch._isOpen = false;
        foreach (RoomDrain drain in batch._waiting)
        {
            drain.Start();
        }

        batch._waiting.Clear();
    }

    /// <summary>
    /// Starts the drain: now, or at the end of the batch that this thread is in. Where a connection's bytes are being handled
    /// it is run at the end of that pass and on its thread, which spares the switch to another; what the pass has published
    /// is delivered in one piece, and the publisher's own share leaves with the replies to it.
    /// </summary>
    public static void Start(RoomDrain drain)
    {
        if (_ofThread is { _isOpen: true } batch)
        {
            batch._waiting.Add(drain);
        }
        else if (SendScope.Current is { } scope)
        {
            scope.PutOff(drain);
        }
        else
        {
            drain.Start();
        }
    }
}
