using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Weir.Timing;

/// <summary>
/// Deadlines by the wall clock: the end of a token or of a grant. In contrast to <see cref="TimerWheel"/>, which discounts the
/// time in which the process did not run, an entry is due as soon as the clock has passed its time, in every case. A binary heap
/// and one timer; scheduling and cancelling cost O(log n) and allocate only when the heap grows. All members are thread-safe.
/// </summary>
/// <remarks>
/// <para>The timer never sleeps longer than <see cref="LongestSleep"/>. So any distance works, and a clock that was set forward
/// or back is noticed, as is a suspended machine, whose monotonic clock stops. It is stopped while no entry waits.</para>
/// <para>Entries are called outside the lock, one after another, in the order of their times.</para>
/// </remarks>
[Experimental("WEIR001")]
public sealed class Calendar : IDisposable
{
    /// <summary>The longest time until a step of the clock is noticed: 1 second.</summary>
    internal static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();

    // Taken before the gate, by the thread that arms the timer.
    private readonly Lock _arming = new();
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private CalendarEntry[] _heap = new CalendarEntry[4];
    private int _count;
    private bool _isTurning;
    private bool _isDisposed;

    /// <summary>Creates a calendar without entries, whose timer is stopped.</summary>
    /// <param name="time">The clock, and the factory of the one timer.</param>
    /// <param name="logger">Receives the exceptions of callbacks.</param>
    public Calendar(TimeProvider time, ILogger logger)
    {
        _time = time;
        _logger = logger;
        using AsyncFlowControl flow = ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow();
        _timer = time.CreateTimer(
            static calendar => ((Calendar)calendar!).Turn(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How many entries are scheduled.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>
    /// Schedules the entry, or moves it if it is scheduled. It is called when the clock shows <paramref name="time"/> or later,
    /// never before; if that has passed, as soon as the timer can fire. No effect after <see cref="Dispose"/>.
    /// </summary>
    /// <param name="entry">The entry; scheduled in no other calendar.</param>
    /// <param name="time">When.</param>
    public void Schedule(CalendarEntry entry, DateTimeOffset time)
    {
        bool isSooner;
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            if (entry.Index >= 0)
            {
                RemoveInsideLock(entry);
            }

            entry.DueTicks = time.UtcTicks;
            if (_count == _heap.Length)
            {
                Array.Resize(ref _heap, _count * 2);
            }

            SiftUpInsideLock(entry, _count++);
            isSooner = entry.Index == 0 && !_isTurning;
        }

        if (isSooner)
        {
            Arm();
        }
    }

    /// <summary>Removes the entry. Does not wait for its callback.</summary>
    /// <param name="entry">The entry.</param>
    /// <returns><c>false</c> if it was not scheduled, or is being called.</returns>
    public bool Cancel(CalendarEntry entry)
    {
        lock (_gate)
        {
            if (entry.Index < 0)
            {
                return false;
            }

            RemoveInsideLock(entry);
            return true;
        }
    }

    /// <summary>Stops the calendar permanently. Entries still scheduled are removed and never called.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            while (_count > 0)
            {
                RemoveInsideLock(_heap[_count - 1]);
            }
        }

        _timer.Dispose();
    }

    private void Turn()
    {
        lock (_gate)
        {
            if (_isTurning)
            {
                return;
            }

            _isTurning = true;
        }

        while (TakeDue(_time.GetUtcNow().UtcTicks) is { } entry)
        {
            try
            {
                entry.OnDue();
            }
            catch (Exception exception)
            {
                // One entry's exception must not keep later ones from being called.
                Log.CalendarCallbackFailed(_logger, entry.GetType(), exception);
            }
        }

        Arm();
    }

    // Null if no entry is due: the turn has ended.
    private CalendarEntry? TakeDue(long nowTicks)
    {
        lock (_gate)
        {
            if (_count == 0 || _heap[0].DueTicks > nowTicks)
            {
                _isTurning = false;
                return null;
            }

            CalendarEntry entry = _heap[0];
            RemoveInsideLock(entry);
            return entry;
        }
    }

    // Outside the gate, since a TimeProvider may call back from inside Change.
    private void Arm()
    {
        lock (_arming)
        {
            TimeSpan wait;
            long nowTicks = _time.GetUtcNow().UtcTicks;
            lock (_gate)
            {
                if (_count == 0 || _isTurning || _isDisposed)
                {
                    return;
                }

                long left = Math.Clamp(_heap[0].DueTicks - nowTicks, 0, LongestSleep.Ticks);
                wait = TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling(TimeSpan.FromTicks(left).TotalMilliseconds)));
            }

            _timer.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }

    private void RemoveInsideLock(CalendarEntry entry)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        int index = entry.Index;
        CalendarEntry last = _heap[--_count];
        _heap[_count] = null!;
        entry.Index = -1;
        if (ReferenceEquals(last, entry))
        {
            return;
        }

        SiftUpInsideLock(last, index);
        if (last.Index == index)
        {
            SiftDownInsideLock(last, index);
        }
    }

    private void SiftUpInsideLock(CalendarEntry entry, int index)
    {
        while (index > 0 && _heap[(index - 1) / 2] is var parent && parent.DueTicks > entry.DueTicks)
        {
            Place(parent, index);
            index = (index - 1) / 2;
        }

        Place(entry, index);
    }

    private void SiftDownInsideLock(CalendarEntry entry, int index)
    {
        while ((2 * index) + 1 is var child && child < _count)
        {
            if (child + 1 < _count && _heap[child + 1].DueTicks < _heap[child].DueTicks)
            {
                child++;
            }

            if (_heap[child].DueTicks >= entry.DueTicks)
            {
                break;
            }

            Place(_heap[child], index);
            index = child;
        }

        Place(entry, index);
    }

    private void Place(CalendarEntry entry, int index)
    {
        _heap[index] = entry;
        entry.Index = index;
    }
}
