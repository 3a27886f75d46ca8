using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Weir.Connections;
using Weir.Hosting;
using Weir.Timing;
using Xunit;

namespace Weir.Core.Tests.Connections;

public class WeirEngineTests
{
    [Fact]
    public void Of_TransportBringsItsTime_ListenersAreDrivenByIt()
    {
        LoopTime loopTime = new();
        ServiceCollection services = new();
        services.AddSingleton<LoopTimeProvider>(loopTime);
        using ServiceProvider provider = services.BuildServiceProvider();

        WeirListener.Of(new ConnectionBuilder(provider), out _);

        Assert.Equal(1, loopTime.Timers);
        Assert.Same(TimeProvider.System, WeirEngine.Of(provider).Time);
    }

    // A test that turns the clock must turn the wheel.
    [Fact]
    public void Of_ApplicationHasATimeOfItsOwn_ListenersAreDrivenByThat()
    {
        LoopTime loopTime = new();
        ServiceCollection services = new();
        services.AddSingleton<LoopTimeProvider>(loopTime).AddSingleton<TimeProvider>(new FakeTimeProvider());
        using ServiceProvider provider = services.BuildServiceProvider();

        WeirListener.Of(new ConnectionBuilder(provider), out _);

        Assert.Equal(0, loopTime.Timers);
    }

    private sealed class LoopTime : LoopTimeProvider
    {
        public int Timers { get; private set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Timers++;
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
