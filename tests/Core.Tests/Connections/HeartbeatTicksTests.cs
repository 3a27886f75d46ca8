using CsCheck;
using Weir.Connections;
using Weir.Timing;
using Xunit;

namespace Weir.Core.Tests.Connections;

/// <summary>When Pings are sent: in batches, never too late, hardly too early.</summary>
public sealed class HeartbeatTicksTests
{
    private static readonly Gen<(int IntervalMs, long Now)> _cases = Gen.Select(Gen.Int[200, 120_000], Gen.Long[0, 1_000_000]);

    [Theory]
    [InlineData(30_000, 10)]
    [InlineData(10_000, 10)]
    [InlineData(9_900, 9)]
    [InlineData(2_500, 2)]
    [InlineData(200, 1)]
    public void Batch_IsASecondOrATenthOfTheInterval(int intervalMs, long batch) => Assert.Equal(batch, From(intervalMs).Batch);

    [Fact]
    public void NextPing_IsInABatch_AndAtMostOneTooEarly() => _cases.Sample((intervalMs, now) =>
    {
        HeartbeatTicks heartbeat = From(intervalMs);

        long next = heartbeat.NextPing(now);

        Assert.Equal(0, next % heartbeat.Batch);
        Assert.InRange(next, now + heartbeat.Interval - (2 * (heartbeat.Batch - 1)), now + heartbeat.Interval);
    });

    [Fact]
    public void NextPing_AfterOneInItsBatch_ComesEachTimeAfterTheSameSpan() => _cases.Sample((intervalMs, now) =>
    {
        HeartbeatTicks heartbeat = From(intervalMs);
        long first = heartbeat.FirstPing(now);

        long second = heartbeat.NextPing(first);

        Assert.InRange(second - first, heartbeat.Interval - heartbeat.Batch + 1, heartbeat.Interval);
        Assert.Equal(second - first, heartbeat.NextPing(second) - second);
    });

    [Fact]
    public void FirstPing_IsInABatch_WithinTheInterval() => _cases.Sample((intervalMs, now) =>
    {
        HeartbeatTicks heartbeat = From(intervalMs);

        long first = heartbeat.FirstPing(now);

        Assert.Equal(0, first % heartbeat.Batch);
        Assert.InRange(first, now + 1, now + heartbeat.Interval);
    });

    // However they come: a storm, or one by one while the wheel turns.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    public void FirstPings_AreSpreadEvenlyOverAllBatches_NeighboursInTheSame(int ticksBetween)
    {
        HeartbeatTicks heartbeat = From(30_000);

        long[] first = [.. Enumerable.Range(0, 30 * 64 * 5).Select(i => heartbeat.FirstPing(i * ticksBetween) % heartbeat.Interval)];

        Assert.All(first.GroupBy(static batch => batch), static batch => Assert.Equal(64 * 5, batch.Count()));
        Assert.Equal(30, first.Distinct().Count());
        Assert.All(first.Chunk(64), static neighbours => Assert.Single(neighbours.Distinct()));
    }

    private static HeartbeatTicks From(int intervalMs)
        => HeartbeatTicks.From(new HeartbeatOptions { Interval = TimeSpan.FromMilliseconds(intervalMs) }.ToSettings(),
            TimerWheel.DefaultTick)!;
}
