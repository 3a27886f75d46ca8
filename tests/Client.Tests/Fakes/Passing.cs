using Microsoft.Extensions.Time.Testing;

namespace Weir.Client.Tests.Fakes;

/// <summary>
/// Time that passes while the process runs: in steps. A single long <see cref="FakeTimeProvider.Advance"/> is a process that did not run.
/// </summary>
internal static class Passing
{
    public static void Pass(this FakeTimeProvider time, TimeSpan duration)
    {
        const int Steps = 100;
        for (int n = 1; n <= Steps; n++)
        {
            time.Advance((duration / Steps * n) - (duration / Steps * (n - 1)));
        }
    }
}
