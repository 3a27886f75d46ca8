using Weir.Sending;

namespace Weir.Relay.Rooms;

/// <summary>
/// Defers the start of event loops while one thread delivers a batch of announcements. Without it the first announcement of a burst wakes a
/// thread that processes it alone, and the members are iterated twice: once for it, once for the rest.
/// </summary>
/// <remarks>Bound to its thread, between <see cref="Begin"/> and <see cref="End"/>.</remarks>
internal sealed class RoomEventBatch
{
    [ThreadStatic]
    private static RoomEventBatch? _ofThread;

    private readonly List<RoomEventLoop> _waiting = [];
    private bool _isOpen;

    public static void Begin() => (_ofThread ??= new RoomEventBatch())._isOpen = true;

    /// <summary>Starts the deferred event loops.</summary>
    public static void End()
    {
        if (_ofThread is not { } batch)
        {
            return;
        }

        batch._isOpen = false;
        foreach (RoomEventLoop loop in batch._waiting)
        {
            loop.Start();
        }

        batch._waiting.Clear();
    }

    /// <summary>
    /// Starts the event loop: now, or at the end of the batch that this thread is in. While a connection's bytes are being processed it
    /// runs at the end of that pass and on its thread, which avoids a thread switch; the publications of the pass are delivered as one
    /// batch, and the publisher's own share leaves with the replies to it.
    /// </summary>
    public static void Start(RoomEventLoop loop)
    {
        if (_ofThread is { _isOpen: true } batch)
        {
            batch._waiting.Add(loop);
        }
        else if (!SendScope.TryDeferWork(loop))
        {
            loop.Start();
        }
    }
}
