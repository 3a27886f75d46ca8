using Weir.Timing;

namespace Weir.Transports.Epoll;

/// <summary>The system's time, with timers that fire on the first loop's thread once there is one; before, on the pool's.</summary>
internal sealed class EpollTime : LoopTimeProvider
{
    private volatile EpollLoop? _loop;

    /// <summary><c>null</c> until the first address is bound.</summary>
    public EpollLoop? Loop
    {
        get => _loop;
        set => _loop = value;
    }

    /// <exception cref="NotSupportedException">The timer would fire more than once.</exception>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        LoopTimer timer = new(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }
}
