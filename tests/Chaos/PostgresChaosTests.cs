using Weir.Chaos.Brokers;
using Xunit;

namespace Weir.Chaos;

/// <summary>Fail-overs of PostgreSQL under the same scenario.</summary>
[Collection(ChaosTests.Chaos)]
public sealed class PostgresChaosTests(ITestOutputHelper output)
{
    [Fact]
    public async Task StandbyPromoted_AllHaveAllThatSurvived_OrAreNotified()
    {
        await using PostgresChaos.Group group = await StartGroupAsync();
        await using Fleet fleet = await Fleet.StartAsync(group, nodes: 2);

        Report report = await Scenario.RunAsync(fleet, output, group.KillAsync);

        Assert.True(report.EpochsCrossed + report.Losses > 0);
    }

    [Fact]
    public async Task StandbyPromoted_ThatLacksTheLast_AllThatReceivedItAreNotified()
    {
        await using PostgresChaos.Group group = await StartGroupAsync();
        await using Fleet fleet = await Fleet.StartAsync(group, nodes: 2);

        Report report = await Scenario.RunAsync(fleet, output, async () =>
        {
            // The primary continues for a while, and dies.
            await group.SeparateStandbyAsync();
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, CancellationToken.None);
            await group.KillAsync();
        });

        Assert.InRange(report.Losses, Timeline.Listeners, int.MaxValue);
    }

    private static Task<PostgresChaos.Group> StartGroupAsync()
    {
        Assert.SkipUnless(ChaosBroker.Current is PostgresChaos, "WEIR_CHAOS_BROKER names another broker.");
        return PostgresChaos.StartGroupAsync();
    }
}
