using System.Diagnostics;

namespace Weir.Client.Timing;

/// <summary>
/// A timeout for the peer that counts only time during which this process ran. It waits in quarters. A quarter that ends late (the
/// process was stopped, the machine suspended, the thread pool starved) counts no more than its length, and a last quarter that was
/// late is followed by one more, in which data that has arrived meanwhile is read before the peer times out.
/// </summary>
/// <remarks>
/// Thread-safe. The callback is called at most once for each <see cref="Begin"/>, on a thread-pool thread, outside the lock.
/// </remarks>
internal sealed class RunningTimeout : IDisposable
{
    // Timers and threads on a busy machine are this late without a pause of the process.
    private static readonly TimeSpan _usualLateness = TimeSpan.FromMilliseconds(100);

    private readonly TimeProvider _time;
    private readonly Action _onOver;
    private readonly Func<TimeSpan>? _idleFor;
    private readonly Lock _gate = new();
    private readonly ITimer _timer;
    private TimeSpan _limit = Timeout.InfiniteTimeSpan;
    private TimeSpan _waited;
    private TimeSpan _quarter;
    private long _quarterStart;
    private bool _isExtra;
    private long _paused; // in ticks

    /// <param name="time">The clock.</param>
    /// <param name="onOver">Called when the limit has passed.</param>
    /// <param name="idleFor">
    /// How long the peer has been idle; <c>null</c> if the event waited for calls <see cref="Stop"/> itself.
    /// </param>
    public RunningTimeout(TimeProvider time, Action onOver, Func<TimeSpan>? idleFor = null)
    {
        _time = time;
        _onOver = onOver;
        _idleFor = idleFor;
        _timer = time.CreateTimer(static me => ((RunningTimeout)me!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>
    /// How long this process has not run while a timeout was running, in total; without pauses as short as the delays on a busy machine.
    /// </summary>
    public TimeSpan Paused => new(Interlocked.Read(ref _paused));

    /// <summary>Restarts the timeout. <see cref="Timeout.InfiniteTimeSpan"/>: it never expires.</summary>
    public void Begin(TimeSpan limit)
    {
        lock (_gate)
        {
            _limit = limit;
            _waited = TimeSpan.Zero;
            if (Waits.IsNever(limit))
            {
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
            else
            {
                WaitInsideLock(isExtra: false);
            }
        }
    }

    /// <summary>Stops the timeout: the event waited for has occurred.</summary>
    public void Stop() => Begin(Timeout.InfiniteTimeSpan);

    public void Dispose() => _timer.Dispose();

    private void WaitInsideLock(bool isExtra)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        TimeSpan left = isExtra ? _limit / 4 : TimeSpan.FromTicks(Math.Min((_limit / 4).Ticks, (_limit - _waited).Ticks));
        _isExtra = isExtra;
        _quarter = Waits.Piece(left);
        _quarterStart = _time.GetTimestamp();
        _timer.Change(_quarter, Timeout.InfiniteTimeSpan);
    }

    private void OnTimer()
    {
        lock (_gate)
        {
            TimeSpan elapsed = _time.GetElapsedTime(_quarterStart);
            if (Waits.IsNever(_limit) || elapsed < _quarter - TimeSpan.FromMilliseconds(20))
            {
                return; // stopped or restarted while this call was pending
            }

            TimeSpan lateness = elapsed - _quarter;
            bool isLate = lateness > _usualLateness;
            if (isLate)
            {
                _paused += lateness.Ticks;
            }

            _waited += _quarter;
            if (_idleFor?.Invoke() is { } idle && idle < _waited)
            {
                _waited = idle;
            }

            if (_waited < _limit || (isLate && !_isExtra))
            {
                WaitInsideLock(isExtra: _waited >= _limit);
                return;
            }

            _limit = Timeout.InfiniteTimeSpan;
        }

        _onOver();
    }
}
