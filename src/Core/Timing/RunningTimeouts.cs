using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Weir.Timing;

/// <summary>
/// Timeouts of one length for the replies of others, which count only time in which this process ran. One timer, which is set only
/// while there are timeouts, counts the length in steps: each begins where the end of the one before was seen, and counts for its
/// length, however late its own end is seen. A step that ended late is followed by one more, so that data that arrived while the process
/// was stopped or starved is read before a timeout elapses. Thread-safe.
/// </summary>
/// <remarks>
/// A timeout that begins while others run elapses at most one step late. A process that is always late needs twice the time.
/// </remarks>
[Experimental("WEIR001")]
public sealed class RunningTimeouts : IDisposable
{
    /// <summary>The number of steps of a timeout.</summary>
    internal const int Steps = 8;

    // Progress prolongs a timeout, but not indefinitely.
    private const int MostProlonged = 8 * Steps;

    // Timers and threads on a busy machine are this late without a pause of the process.
    private static readonly TimeSpan _usualLateness = TimeSpan.FromMilliseconds(100);

    private readonly TimeProvider _time;
    private readonly TimeSpan _step;
    private readonly Func<bool>? _hasProgressed;
    private readonly Lock _gate = new();
    private readonly ITimer _timer;
    private RunningTimeoutEntry? _oldest;
    private RunningTimeoutEntry? _newest;
    private long _now; // in steps
    private long _stepBegan;
    private int _prolonged;
    private bool _isTicking;
    private bool _hasSkipped;

    /// <summary>Creates a list without timeouts, which holds no running timer.</summary>
    /// <param name="limit">The length of each; at least a millisecond is counted for a step.</param>
    /// <param name="time">The clock of the steps.</param>
    /// <param name="hasProgressed">Called at the end of each step; one with progress is not counted. <c>null</c>: all are.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="limit"/> is negative: infinite is none.</exception>
    public RunningTimeouts(TimeSpan limit, TimeProvider time, Func<bool>? hasProgressed = null)
    {
        ArgumentNullException.ThrowIfNull(time);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, TimeSpan.Zero);
        _time = time;
        _hasProgressed = hasProgressed;
        _step = TimeSpan.FromTicks(Math.Max(limit.Ticks / Steps, TimeSpan.TicksPerMillisecond));
        _timer = time.CreateTimer(
            static timeouts => ((RunningTimeouts)timeouts!).OnStep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Begins a timeout; <see cref="TryRemove"/> ends it.</summary>
    public void Add(RunningTimeoutEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        lock (_gate)
        {
            // A step that has begun is not counted for it.
            entry.LastStep = _now + Steps + (_isTicking ? 1 : 0);
            entry.Older = _newest;
            _newest = _newest is null ? _oldest = entry : _newest.Newer = entry;
            if (!_isTicking)
            {
                _isTicking = true;
                BeginStepInsideLock();
            }
        }
    }

    /// <summary>Ends a timeout; returns <c>false</c> if it has elapsed or was ended before.</summary>
    public bool TryRemove(RunningTimeoutEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        lock (_gate)
        {
            return TryRemoveInsideLock(entry);
        }
    }

    /// <summary>Ends all timeouts: none elapses any more.</summary>
    public void Dispose() => _timer.Dispose();

    private void BeginStepInsideLock()
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        _stepBegan = _time.GetTimestamp();
        _timer.Change(_step, Timeout.InfiniteTimeSpan);
    }

    // One call at a time: the timer is set again only here, and by the first timeout after a time without any.
    private void OnStep()
    {
        bool hasProgressed = _hasProgressed?.Invoke() == true;
        List<RunningTimeoutEntry>? elapsed = null;
        lock (_gate)
        {
            if (!MayBeSkippedInsideLock(hasProgressed))
            {
                _now++;
            }

            while (_oldest is { } entry && entry.LastStep <= _now)
            {
                TryRemoveInsideLock(entry);
                (elapsed ??= []).Add(entry);
            }

            if (_oldest is null)
            {
                _isTicking = false;
            }
            else
            {
                BeginStepInsideLock();
            }
        }

        // Outside the lock: continuations run here.
        elapsed?.ForEach(static entry => entry.OnElapsed());
    }

    private bool MayBeSkippedInsideLock(bool hasProgressed)
    {
        if (hasProgressed && _prolonged < MostProlonged)
        {
            _prolonged++;
            return true;
        }

        _hasSkipped = !_hasSkipped && _time.GetElapsedTime(_stepBegan) > _step + _usualLateness;
        return _hasSkipped;
    }

    private bool TryRemoveInsideLock(RunningTimeoutEntry entry)
    {
        if (entry.IsRemoved)
        {
            return false;
        }

        entry.IsRemoved = true;
        (entry.Older is { } older ? ref older.Newer : ref _oldest) = entry.Newer;
        (entry.Newer is { } newer ? ref newer.Older : ref _newest) = entry.Older;
        entry.Older = entry.Newer = null;
        return true;
    }
}
