using Microsoft.Extensions.Time.Testing;

namespace Weir.Testing;

/// <summary>
/// Time that passes while the process runs: in steps. A single long <see cref="FakeTimeProvider.Advance"/> is a process that did not run,
/// and such a pause does not count towards timeouts for other parties (heartbeat, handshake, slow clients).
/// </summary>
public static class PassingTime
{
    // No pause of the process, and a divisor of the steps in which timeouts are counted: they end on time.
    private static readonly TimeSpan _step = TimeSpan.FromMilliseconds(25);

    /// <summary>Advances in steps of 25 ms, and runs the timers that are due after each.</summary>
    /// <param name="time">The clock that the server was given, as the <see cref="TimeProvider"/> of its services.</param>
    /// <param name="duration">The whole time; the last step is shorter where it is no multiple of a step. 0 or less: none.</param>
    public static void Pass(this FakeTimeProvider time, TimeSpan duration)
    {
        ArgumentNullException.ThrowIfNull(time);
        for (TimeSpan left = duration; left > TimeSpan.Zero; left -= _step)
        {
            time.Advance(left < _step ? left : _step);
        }
    }
}
