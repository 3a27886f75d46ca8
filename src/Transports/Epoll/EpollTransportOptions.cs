using Weir.Validation;

namespace Weir.Transports.Epoll;

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
    /// (<c>net.core.somaxconn</c>), to which it is truncated.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public int Backlog
    {
        get => _backlog;
        set => _backlog = OptionRange.Number(value, 1, int.MaxValue);
    }

    /// <summary>
    /// Whether small segments leave immediately (TCP_NODELAY); default true. The output of one pass is sent in one call
    /// anyway, so false saves no calls and delays.
    /// </summary>
    public bool NoDelay { get; set; } = true;

    /// <summary>
    /// How long code may occupy a loop's thread before another thread takes the loop over, so that a handler that blocks does
    /// not delay other connections for long; default 250 ms: with a shorter time, threads that merely wait for a processor on a
    /// busy machine would count as blocked. Checked in steps of this time. <see cref="TimeSpan.Zero"/>: never, a blocked handler
    /// then blocks all connections of its loop.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or longer than a minute.</exception>
    public TimeSpan HandOffAfter
    {
        get => _handOffAfter;
        set => _handOffAfter = OptionRange.Duration(value, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    }
}
