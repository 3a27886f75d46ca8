using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Weir.Diagnostics;

/// <summary>
/// One event of a <see cref="LimitedLogger"/>: the second that began with its last line, and what was held back since. Lines are written
/// outside of the lock, as a logger may block. Without an event the timer is idle.
/// </summary>
internal sealed class RepeatedEvent(ILogger inner, TimeProvider time)
{
    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private ITimer? _timer;
    private bool _isWithinSecond;
    private HeldLine? _last;
    private int _count;

    /// <summary>Begins a second; returns false if one has begun, and the line has to be held.</summary>
    public bool TryBegin()
    {
        lock (_gate)
        {
            if (_isWithinSecond)
            {
                return false;
            }

            _isWithinSecond = true;
            StartTimerInsideLock();
            return true;
        }
    }

    /// <summary>Holds a line until the second is over; only the last one is kept, and the others are counted.</summary>
    public void Hold(HeldLine line)
    {
        lock (_gate)
        {
            if (_isWithinSecond)
            {
                _last = line;
                _count++;
                return;
            }
        }

        line.WriteTo(inner, count: 1); // the second ended in between
    }

    private void StartTimerInsideLock()
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        if (_timer is null)
        {
            // The timer outlives the call that creates it, so it must not keep that call's context.
            using (ExecutionContext.IsFlowSuppressed() ? default(AsyncFlowControl?) : ExecutionContext.SuppressFlow())
            {
                _timer = time.CreateTimer(static self => ((RepeatedEvent)self!).OnSecond(), this, _second, Timeout.InfiniteTimeSpan);
            }
        }
        else
        {
            _timer.Change(_second, Timeout.InfiniteTimeSpan);
        }
    }

    private void OnSecond()
    {
        HeldLine? last;
        int count;
        lock (_gate)
        {
            (last, count, _last, _count) = (_last, _count, null, 0);
            _isWithinSecond = last is not null;
            if (_isWithinSecond)
            {
                StartTimerInsideLock();
            }
        }

        last?.WriteTo(inner, count);
    }
}
