using Weir.Chaos.Brokers;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Chaos;

/// <summary>Fail-overs of Redis under the same scenario.</summary>
[Collection(ChaosTests.Chaos)]
public sealed class RedisChaosTests(ITestOutputHelper output)
{
    [Fact]
    public async Task SentinelFailover_AllHaveAllThatSurvived_OrAreNotified()
    {
        await using SentinelGroup group = await SentinelGroup.StartAsync();
        await using Fleet fleet = await StartFleetAsync(group.Configuration);

        Report report = await Scenario.RunAsync(fleet, output, group.Master.KillAsync);

        Assert.True(report.EpochsCrossed + report.Losses > 0);
    }

    [Fact]
    public async Task SentinelFailover_ToAReplicaThatLacksTheLast_AllThatReceivedItAreNotified()
    {
        await using SentinelGroup group = await SentinelGroup.StartAsync();
        await using Fleet fleet = await StartFleetAsync(group.Configuration);

        Report report = await Scenario.RunAsync(fleet, output, async () =>
        {
            // Its master continues for a while, and dies. A Sentinel takes no replica that was without its master for ten times
            // as long as a master may be silent.
            await group.SeparateReplicaAsync();
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, CancellationToken.None);
            await group.Master.KillAsync();
        });

        Assert.InRange(report.Losses, Timeline.Listeners, int.MaxValue);
    }

    [Fact]
    public async Task ClusterFailover_AllHaveAllThatSurvived_OrAreNotified()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync(replicas: 1);
        await using Fleet fleet = await StartFleetAsync(cluster.Configuration);

        Report report = await Scenario.RunAsync(fleet, output, cluster.Masters[0].KillAsync);

        Assert.True(report.EpochsCrossed + report.Losses > 0);
    }

    private static Task<Fleet> StartFleetAsync(string configuration)
    {
        Assert.SkipUnless(ChaosBroker.Current is RedisChaos, "WEIR_CHAOS_BROKER names another broker.");
        return Fleet.StartAsync(RedisChaos.SettingsOf(configuration), RedisChaos.SettingsOf(configuration));
    }
}
