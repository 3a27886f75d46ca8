using CsCheck;
using Weir.Timing;
using Xunit;

namespace Weir.Core.Tests.Timing;

public class TimerSlotsTests
{
    // The ends of each level, seen from both sides; the third level is walked tick by tick, 17 million of them.
    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 255)]
    [InlineData(0, 256)]
    [InlineData(0, 257)]
    [InlineData(255, 1)]
    [InlineData(255, 255)]
    [InlineData(255, 256)]
    [InlineData(255, 257)]
    [InlineData(256, 255)]
    [InlineData(0, 511)]
    [InlineData(0, 512)]
    [InlineData(0, 65_535)]
    [InlineData(0, 65_536)]
    [InlineData(0, 65_537)]
    [InlineData(1, 65_535)]
    [InlineData(65_535, 65_535)]
    [InlineData(65_535, 65_536)]
    [InlineData(0, 16_777_215)]
    [InlineData(0, 16_777_216)]
    [InlineData(16_777_215, 16_777_217)]
    [InlineData(4_294_967_290, 16)]
    [InlineData(4_294_967_295, 65_792)]
    public void Insert_AtLevelBoundary_IsDueExactlyThen(long start, long distance)
    {
        TimerSlots slots = new();
        TestNode node = new() { DueTick = start + distance };
        slots.Insert(node, start);

        for (long tick = start + 1; tick < node.DueTick; tick++)
        {
            Assert.False(slots.CascadeSome(tick, limit: 1));
            if (slots.Due(tick).First is not null)
            {
                Assert.Fail($"Due {node.DueTick - tick} ticks early.");
            }
        }

        Assert.False(slots.CascadeSome(node.DueTick, limit: 1));
        Assert.Same(node, slots.Due(node.DueTick).First);
    }

    // Tiny wheels reach every boundary, and wait beyond the top level many times over, within a few hundred ticks.
    [Fact]
    public void Insert_AnyDistances_EachIsDueExactlyThen()
    {
        Gen<(int Bits, int Levels, long Start, int Limit, int[] Distances)> cases = Gen.Select(
            Gen.Int[1, 3], Gen.Int[2, 3], Gen.Long[0, 2000], Gen.Int[1, 3], Gen.Int[1, 400].Array[0, 30]);

        cases.Sample(c =>
        {
            TimerSlots slots = new(c.Bits, c.Levels);
            foreach (int distance in c.Distances)
            {
                slots.Insert(new TestNode { DueTick = c.Start + distance }, c.Start);
            }

            int seen = 0;
            for (long tick = c.Start + 1; tick <= c.Start + 400; tick++)
            {
                for (int calls = 0; slots.CascadeSome(tick, c.Limit); calls++)
                {
                    Assert.True(calls < 100, "The cascade does not end.");
                }

                while (slots.Due(tick).First is { } node)
                {
                    Assert.Equal(tick, node.DueTick);
                    TimerList.Remove(node);
                    seen++;
                }
            }

            Assert.Equal(c.Distances.Length, seen);
        });
    }

    [Fact]
    public void Insert_BetweenCascadeBatches_NeverReachesTheSlotBeingEmptied()
    {
        TimerSlots slots = new(bitsPerLevel: 2, levels: 2);
        for (int i = 0; i < 4; i++)
        {
            slots.Insert(new TestNode { DueTick = 7 }, 0);
        }

        int calls = 0;
        while (calls < 100 && slots.CascadeSome(4, limit: 1))
        {
            // Every distance there is, and one beyond the top.
            for (int distance = 1; distance <= 17; distance++)
            {
                slots.Insert(new TestNode { DueTick = 4 + distance }, 4);
            }

            calls++;
        }

        Assert.Equal(3, calls);
        Assert.Null(slots.Due(4).First);
    }

    [Fact]
    public void CascadeSome_SlotLargerThanLimit_MovesLimitAndReportsMore()
    {
        TimerSlots slots = new();
        for (int i = 0; i < 5; i++)
        {
            slots.Insert(new TestNode { DueTick = 256 }, 0);
        }

        Assert.True(slots.CascadeSome(256, limit: 2));
        Assert.Equal(2, CountOf(slots.Due(256)));
        Assert.True(slots.CascadeSome(256, limit: 2));
        Assert.False(slots.CascadeSome(256, limit: 2));
        Assert.Equal(5, CountOf(slots.Due(256)));
    }

    [Theory]
    [InlineData(4, 5, 5)]
    [InlineData(4, 13, 13)]
    [InlineData(4, 14, 14)] // the most
    [InlineData(4, 15, 14)]
    [InlineData(250, 1000, 256)] // where what waits above level 0 may move down
    [InlineData(256, 1000, 266)]
    public void NextToRun_IsWhereNodesAreDueOrMove_OrTheMost(long currentTick, long dueTick, long expected)
    {
        TimerSlots slots = new();
        slots.Insert(new TestNode { DueTick = dueTick }, currentTick);

        Assert.Equal(expected, slots.NextToRun(currentTick, most: 10));
    }

    private static int CountOf(TimerList list)
    {
        int count = 0;
        for (TimerNode? node = list.First; node is not null && node is not TimerList; node = node.Next)
        {
            count++;
        }

        return count;
    }
}
