using System.Diagnostics;

namespace Weir.Client.Timing;

/// <summary>
/// A time-out that judges the other side by time in which this process ran. It waits in quarters. A quarter that is over late (the
/// process was stopped, the machine slept, the thread pool was starved) counts no more than its length, and after a last quarter that
/// was late one more follows, in which what has arrived meanwhile is read before the other side is judged.
/// </summary>
/// <remarks>Any thread. The callback comes at most once for each <see cref="Begin"/>, on a thread of the pool, outside the lock.</remarks>
internal sealed class Patience : IDisposable
{
    // Timers and threads are late by as much on a busy machine, and have not been stopped for it.
    private static readonly TimeSpan _usualLateness = TimeSpan.FromMilliseconds(100);

    private readonly TimeProvider _time;
    private readonly Action _onOver;
    private readonly Func<TimeSpan>? _quietFor;
    private readonly Lock _gate = new();
    private readonly ITimer _timer;
    private TimeSpan _limit = Timeout.InfiniteTimeSpan;
    private TimeSpan _waited;
    private TimeSpan _quarter;
    private long _quarterStart;
    private bool _isExtra;

    /// <param name="time">The clock.</param>
    /// <param name="onOver">Called when the limit has passed.</param>
    /// <param name="quietFor">
    /// For how long the other side has given no sign of life; null if what is waited for calls <see cref="Stop"/> itself.
    /// </param>
    public Patience(TimeProvider time, Action onOver, Func<TimeSpan>? quietFor = null)
    {
        _time = time;
        _onOver = onOver;
        _quietFor = quietFor;
        _timer = time.CreateTimer(static me => ((Patience)me!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Begins anew. <see cref="Timeout.InfiniteTimeSpan"/>: is never over.</summary>
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

    /// <summary>What was waited for has come.</summary>
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
                return; // it was stopped or began anew while this call was on its way
            }

            bool isLate = elapsed > (2 * _quarter) + _usualLateness;
            _waited += _quarter;
            if (_quietFor?.Invoke() is { } quiet && quiet < _waited)
            {
                _waited = quiet;
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
