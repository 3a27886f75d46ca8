using Microsoft.Extensions.Time.Testing;

namespace Weir.TestSupport;

/// <summary>
/// Time that passes while the process runs: in steps. A single long <see cref="FakeTimeProvider.Advance"/> is a process that did not run.
/// </summary>
public static class PassingTime
{
    // No pause of the process, and a divisor of the steps in which timeouts are counted: they end on time.
    private static readonly TimeSpan _step = TimeSpan.FromMilliseconds(25);

    /// <summary>Advances in short steps.</summary>
    public static void Pass(this FakeTimeProvider time, TimeSpan duration)
    {
        ArgumentNullException.ThrowIfNull(time);
        for (TimeSpan left = duration; left > TimeSpan.Zero; left -= _step)
        {
            time.Advance(left < _step ? left : _step);
        }
    }
}
