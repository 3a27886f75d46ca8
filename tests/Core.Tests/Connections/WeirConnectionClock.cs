using Microsoft.Extensions.Time.Testing;
using Weir.Hosting;

namespace Weir.Core.Tests.Connections;

internal static class WeirConnectionClock
{
    /// <summary>
    /// Lets time pass tick by tick of the listener's wheel, which takes a leap for a process pause and does not count it.
    /// </summary>
    public static void Run(this FakeTimeProvider time, WeirListener listener, TimeSpan span)
    {
        for (TimeSpan passed = TimeSpan.Zero; passed < span; passed += listener.Wheel.Tick)
        {
            time.Advance(listener.Wheel.Tick);
        }
    }
}
