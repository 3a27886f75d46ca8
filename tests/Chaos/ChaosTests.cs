using Weir.Chaos.Brokers;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Chaos;

/// <summary>
/// Under faults of nodes, of the broker and of the links between them, every listener has every message once and in order, or
/// was notified of a loss.
/// </summary>
[Collection(Chaos)]
public sealed class ChaosTests(ITestOutputHelper output)
{
    /// <summary>One scenario at a time: each takes the machine for itself.</summary>
    internal const string Chaos = nameof(Chaos);

    private static readonly ChaosBroker _broker = ChaosBroker.Current;

    private static TimeSpan Outage => Timeline.Traffic / 6;

    [Fact]
    public async Task NodeKilled_ItsListenersContinueElsewhere_AndMissNothing()
    {
        await using IChaosServer server = await _broker.StartAsync(keepsData: false);
        await using Fleet fleet = await Fleet.StartAsync(server, nodes: 3);

        Report report = await Scenario.RunAsync(fleet, output, async () =>
        {
            fleet[0].Kill();
            await Task.Delay(Outage, TimeProvider.System, CancellationToken.None);
            await fleet.ReplaceAsync(0);
        });

        Assert.True(report.Reconnects > 0);
        Assert.Equal((0, 0), (report.Losses, report.EpochsCrossed));
    }

    [Fact]
    public async Task NodeStoppedAndContinued_ItsListenersContinueElsewhere_AndMissNothing()
    {
        await using IChaosServer server = await _broker.StartAsync(keepsData: false);
        await using Fleet fleet = await Fleet.StartAsync(server, nodes: 3);

        Report report = await Scenario.RunAsync(fleet, output, async () =>
        {
            fleet[0].Stop();
            // Longer than the timeouts of listeners and of the node's own probe.
            await Task.Delay(TimeSpan.FromSeconds(Math.Max(3, Outage.TotalSeconds)), TimeProvider.System, CancellationToken.None);
            fleet[0].Continue();
        });

        Assert.True(report.Reconnects > 0);
        Assert.Equal(0, report.Losses);
    }

    [Fact]
    public async Task BrokerKilled_AndRestartedWithItsData_NoListenerMissesAnything()
    {
        await using IChaosServer server = await _broker.StartAsync(keepsData: true);
        await using Fleet fleet = await Fleet.StartAsync(server, nodes: 2);

        Report report = await Scenario.RunAsync(fleet, output, () => KillAndStartAgainAsync(server));

        Assert.Equal(_broker.ChangesEpochWhenStartedAgain, report.EpochsCrossed > 0);
        Assert.Equal(0, report.Losses);
    }

    [Fact]
    public async Task BrokerKilled_AndRestartedWithoutItsData_AllAreNotified()
    {
        await using IChaosServer server = await _broker.StartAsync(keepsData: false);
        await using Fleet fleet = await Fleet.StartAsync(server, nodes: 2);

        Report report = await Scenario.RunAsync(fleet, output, () => KillAndStartAgainAsync(server));

        Assert.InRange(report.Losses, Timeline.Listeners, int.MaxValue);
        Assert.Equal(0, report.EpochsCrossed);
    }

    [Fact]
    public async Task BrokerStoppedAndContinued_NoListenerMissesAnything()
    {
        await using IChaosServer server = await _broker.StartAsync(keepsData: false);
        await using Fleet fleet = await Fleet.StartAsync(server, nodes: 2);

        Report report = await Scenario.RunAsync(fleet, output, async () =>
        {
            server.Stop();
            await Task.Delay(TimeSpan.FromSeconds(Math.Max(2, Outage.TotalSeconds)), TimeProvider.System, CancellationToken.None);
            server.Continue();
        });

        Assert.Equal((0, 0), (report.Losses, report.EpochsCrossed));
    }

    [Fact]
    public async Task LinksOfANode_LostSilently_NoListenerMissesAnything()
    {
        await using IChaosServer server = await _broker.StartAsync(keepsData: false);
        await using TcpProxy proxy = TcpProxy.Start(server.Port!.Value);
        await using Fleet fleet = await Fleet.StartAsync(server.SettingsAt(proxy.Port), server.SettingsAt(server.Port));

        Report report = await Scenario.RunAsync(fleet, output, () =>
        {
            proxy.Freeze();
            return Task.CompletedTask;
        });

        Assert.Equal((0, 0), (report.Losses, report.EpochsCrossed));
    }

    private static async Task KillAndStartAgainAsync(IChaosServer server)
    {
        await server.KillAsync();
        await Task.Delay(Outage, TimeProvider.System, CancellationToken.None);
        await server.StartAgainAsync();
    }
}
