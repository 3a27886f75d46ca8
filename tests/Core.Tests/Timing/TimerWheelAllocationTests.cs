using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.TestSupport;
using Weir.Timing;
using Xunit;

namespace Weir.Core.Tests.Timing;

public class TimerWheelAllocationTests
{
    [Fact]
    public void ScheduleMoveCancelAndTick_AllocateNothing()
    {
        const int Operations = 20_000;
        ManualTimeProvider time = new();
        using TimerWheel wheel = new(time, NullLogger.Instance, TimerWheel.DefaultTick);
        TestNode[] nodes = [.. Enumerable.Range(0, 1000).Select(_ => new TestNode())];
        Random random = new(1);
        void Run()
        {
            for (int i = 0; i < Operations; i++)
            {
                TestNode node = nodes[random.Next(nodes.Length)];
                switch (random.Next(4))
                {
                    case 0:
                    case 1:
                        wheel.Schedule(node, TimeSpan.FromMilliseconds(random.Next(0, 120_000)));
                        break;
                    case 2:
                        wheel.Cancel(node);
                        break;
                    default:
                        time.Advance(TimerWheel.DefaultTick);
                        break;
                }
            }
        }

        Assert.Equal(0, Allocations.LeastOf(Run));
        Assert.True(nodes.Sum(node => node.Fired) > Operations / 100, "Nothing fired: the ticks did not run.");
    }

    [Fact]
    public void TimerNode_Fields_Take24Bytes()
    {
        BareNode? node = null;
        long size = Allocations.LeastOf(() => node = new BareNode());

        Assert.Equal(24 + (2 * Unsafe.SizeOf<nint>()), size);
        GC.KeepAlive(node);
    }

    private sealed class BareNode : TimerNode
    {
        protected internal override void OnExpired()
        {
        }
    }
}
