namespace Weir.Transport;

/// <summary>The settings of the epoll transport; read once, when the first address is bound.</summary>
public sealed class EpollTransportOptions
{
    private int _loops;
    private int _backlog = 4096;
    private TimeSpan _handOffAfter = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Threads that wait for sockets, each with an epoll instance and a listening socket of its own; default 0: one per
    /// processor.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 1,024.</exception>
    public int Loops
    {
        get => _loops;
        set => _loops = OptionRange.Number(value, 0, 1024);
    }

    /// <summary>
    /// Connections that the kernel completes before they are accepted, per loop; default 4,096, Linux's own limit
    /// (<c>net.core.somaxconn</c>), below which it is cut.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public int Backlog
    {
        get => _backlog;
        set => _backlog = OptionRange.Number(value, 1, int.MaxValue);
    }

    /// <summary>
    /// Whether small segments leave at once (TCP_NODELAY); default true. What one pass produces is gathered into one call
    /// anyway, so false saves nothing and delays.
    /// </summary>
    public bool NoDelay { get; set; } = true;

    /// <summary>
    /// How long code that runs on a loop's thread may keep it before another thread takes the loop over, so that a handler
    /// that blocks holds up nobody else for long; default 250 ms: shorter, and threads that merely wait for a processor, on
    /// a machine that is busy, would be taken for blocked. It is looked at in steps of this time. <see cref="TimeSpan.Zero"/>: never, a blocked handler
    /// then blocks all connections of its loop.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or longer than a minute.</exception>
    public TimeSpan HandOffAfter
    {
        get => _handOffAfter;
        set => _handOffAfter = OptionRange.Duration(value, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    }
}
