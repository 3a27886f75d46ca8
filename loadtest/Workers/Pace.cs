using System.Diagnostics;

namespace Weir.LoadTest.Workers;

/// <summary>
/// When things are due that happen at a fixed rate. By the plan and not by the last time, so that a stall is not hidden: what
/// was held up counts from when it was due.
/// </summary>
/// <param name="rate">Per second; 0: never.</param>
internal sealed class Pace(double rate)
{
    private readonly long _began = Stopwatch.GetTimestamp();
    private long _taken;

    /// <summary>Until the next is due; zero when it is.</summary>
    public TimeSpan Wait
    {
        get
        {
            TimeSpan wait = rate > 0 ? Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), NextDue) : TimeSpan.MaxValue;
            return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
        }
    }

    private long NextDue => _began + (long)(_taken / rate * Stopwatch.Frequency);

    /// <summary>Each time the interval has passed, the first time after one.</summary>
    public static Pace Every(TimeSpan interval) => new(1 / interval.TotalSeconds) { _taken = 1 };

    /// <summary>Takes the next, if it is due.</summary>
    public bool TryTake(out long due)
    {
        due = rate > 0 ? NextDue : long.MaxValue;
        bool isDue = due <= Stopwatch.GetTimestamp();
        _taken += isDue ? 1 : 0;
        return isDue;
    }
}
