using System.Diagnostics;

namespace Weir.Transports.Epoll;

/// <summary>
/// A timer that fires once, on a loop's thread. It may be set from any thread; only the loop checks whether it is due, before it
/// waits for events, and it waits until then at most.
/// </summary>
internal sealed class LoopTimer(EpollTime time, TimerCallback callback, object? state) : ITimer, ICallTarget, IThreadPoolWorkItem
{
    private const long Never = long.MaxValue;

    private long _dueAt = Never;
    private ITimer? _before;
    private volatile bool _isDisposed;

    string ICallTarget.Name => nameof(LoopTimer);

    /// <summary>Milliseconds until it is due, rounded up; 0 if it is due, <c>null</c> if it is stopped. On the loop's thread.</summary>
    public long? MillisecondsLeft
    {
        get
        {
            long dueAt = Volatile.Read(ref _dueAt);
            return dueAt == Never
                ? null
                : Math.Max(0, (long)Math.Ceiling(Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), dueAt).TotalMilliseconds));
        }
    }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        if (period != Timeout.InfiniteTimeSpan)
        {
            throw new NotSupportedException("A timer of a loop fires once: the period must be infinite.");
        }

        if (_isDisposed)
        {
            return false;
        }

        if (time.Loop is not { } loop)
        {
            _before ??= TimeProvider.System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return _before.Change(dueTime, period);
        }

        bool isSet = dueTime != Timeout.InfiniteTimeSpan;
        Volatile.Write(ref _dueAt, isSet ? Stopwatch.GetTimestamp() + LongWait.TimestampsOf(dueTime, Stopwatch.Frequency) : Never);
        if (isSet)
        {
            loop.Post(this);
        }

        return true;
    }

    /// <summary>Calls back if it is due, once for each time that it was set; else the loop watches it from now on.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        if (MillisecondsLeft is > 0)
        {
            time.Loop!.Watch(this);
        }
        else if (Interlocked.Exchange(ref _dueAt, Never) != Never && !_isDisposed)
        {
            callback(state);
        }
    }

    public void Dispose()
    {
        _isDisposed = true;
        _before?.Dispose();
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }
}
