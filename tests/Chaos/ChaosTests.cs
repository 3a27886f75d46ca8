using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Chaos;

/// <summary>
/// Whatever happens to nodes, to Redis and to what is between them: whoever listens has every message once and in order, or
/// was told that it has not.
/// </summary>
[Collection(Chaos)]
public sealed class ChaosTests(ITestOutputHelper output)
{
    /// <summary>One scenario at a time: each takes the machine for itself.</summary>
    internal const string Chaos = nameof(Chaos);

    private static readonly string[] _durable = ["--appendonly", "yes", "--appendfsync", "always"];

    private static TimeSpan Outage => Timeline.Traffic / 6;

    [Fact]
    public async Task NodeKilled_ItsListenersGoOnElsewhere_AndMissNothing()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Fleet fleet = await Fleet.StartAsync(redis.Address, redis.Address, redis.Address);

        Report report = await RunAsync(fleet, async () =>
        {
            fleet[0].Kill();
            await Task.Delay(Outage, TimeProvider.System, CancellationToken.None);
            await fleet.ReplaceAsync(0);
        });

        Assert.True(report.Reconnects > 0);
        Assert.Equal((0, 0), (report.Told, report.EpochsCrossed));
    }

    [Fact]
    public async Task NodeStoppedAndContinued_ItsListenersGoOnElsewhere_AndMissNothing()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Fleet fleet = await Fleet.StartAsync(redis.Address, redis.Address, redis.Address);

        Report report = await RunAsync(fleet, async () =>
        {
            fleet[0].Stop();
            // Longer than listeners and the node's own probe are patient.
            await Task.Delay(TimeSpan.FromSeconds(Math.Max(3, Outage.TotalSeconds)), TimeProvider.System, CancellationToken.None);
            fleet[0].Continue();
        });

        Assert.True(report.Reconnects > 0);
        Assert.Equal(0, report.Told);
    }

    [Fact]
    public async Task RedisKilled_AndBackWithItsData_NobodyMissesAnything()
    {
        await using RedisServer redis = await RedisServer.StartAsync(_durable);
        await using Fleet fleet = await Fleet.StartAsync(redis.Address, redis.Address);

        Report report = await RunAsync(fleet, () => KillAndStartAgainAsync(redis));

        Assert.True(report.EpochsCrossed > 0);
        Assert.Equal(0, report.Told);
    }

    [Fact]
    public async Task RedisKilled_AndBackWithoutItsData_EverybodyIsTold()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Fleet fleet = await Fleet.StartAsync(redis.Address, redis.Address);

        Report report = await RunAsync(fleet, () => KillAndStartAgainAsync(redis));

        Assert.InRange(report.Told, Timeline.Listeners, int.MaxValue);
        Assert.Equal(0, report.EpochsCrossed);
    }

    [Fact]
    public async Task RedisStoppedAndContinued_NobodyMissesAnything()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using Fleet fleet = await Fleet.StartAsync(redis.Address, redis.Address);

        Report report = await RunAsync(fleet, async () =>
        {
            redis.Stop();
            await Task.Delay(TimeSpan.FromSeconds(Math.Max(2, Outage.TotalSeconds)), TimeProvider.System, CancellationToken.None);
            redis.Continue();
        });

        Assert.Equal((0, 0), (report.Told, report.EpochsCrossed));
    }

    [Fact]
    public async Task LinksOfANode_CutWithoutAWord_NobodyMissesAnything()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using TcpProxy proxy = TcpProxy.Start(redis.Port);
        await using Fleet fleet = await Fleet.StartAsync(proxy.Address, redis.Address);

        Report report = await RunAsync(fleet, () =>
        {
            proxy.Freeze();
            return Task.CompletedTask;
        });

        Assert.Equal((0, 0), (report.Told, report.EpochsCrossed));
    }

    [Fact]
    public async Task SentinelFailover_EverybodyHasAllThatSurvived_OrIsTold()
    {
        await using SentinelGroup group = await SentinelGroup.StartAsync();
        await using Fleet fleet = await Fleet.StartAsync(group.Configuration, group.Configuration);

        Report report = await RunAsync(fleet, group.Master.KillAsync);

        Assert.True(report.EpochsCrossed + report.Told > 0);
    }

    [Fact]
    public async Task SentinelFailover_ToAReplicaThatLacksTheLast_EverybodyWhoHeardItIsTold()
    {
        await using SentinelGroup group = await SentinelGroup.StartAsync();
        await using Fleet fleet = await Fleet.StartAsync(group.Configuration, group.Configuration);

        Report report = await RunAsync(fleet, async () =>
        {
            // Its master goes on for a while, and dies. A Sentinel takes no replica that was without its master for ten times
            // as long as a master may be silent.
            await group.CutReplicaOffAsync();
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, CancellationToken.None);
            await group.Master.KillAsync();
        });

        Assert.InRange(report.Told, Timeline.Listeners, int.MaxValue);
    }

    [Fact]
    public async Task ClusterFailover_EverybodyHasAllThatSurvived_OrIsTold()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync(replicas: 1);
        await using Fleet fleet = await Fleet.StartAsync(cluster.Configuration, cluster.Configuration);

        Report report = await RunAsync(fleet, cluster.Masters[0].KillAsync);

        Assert.True(report.EpochsCrossed + report.Told > 0);
    }

    private static async Task KillAndStartAgainAsync(RedisServer redis)
    {
        await redis.KillAsync();
        await Task.Delay(Outage, TimeProvider.System, CancellationToken.None);
        await redis.StartAgainAsync();
    }

    private async Task<Report> RunAsync(Fleet fleet, Func<Task> trouble)
    {
        Report report;
        try
        {
            report = await Scenario.RunAsync(fleet, trouble);
        }
        catch
        {
            output.WriteLine(fleet.Output);
            throw;
        }

        output.WriteLine(report.ToString());
        if (Environment.GetEnvironmentVariable("WEIR_CHAOS_REPORT") is { Length: > 0 } path)
        {
            await File.AppendAllTextAsync(path, $"{TestContext.Current.TestMethod?.MethodName}: {report}\n");
        }

        Assert.True(report.Confirmed > 10);
        Assert.Empty(report.Violations.Take(20));
        return report;
    }
}
