using Weir.Integration.Relay;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Integration.Nodes;

/// <summary>
/// Nodes with different rules for a room keep what is published by different rules: a client that reconnects to one misses
/// what the other did not keep, and neither can detect it. So they compare their rules, and report that they differ.
/// </summary>
public sealed class RulesTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Nodes_WithDifferentRules_ReportItUntilTheyAgree()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using HostProcess one = await StartAsync(redis, "one", historySize: 100);
        using HttpClient ofOne = RelayHost.NewClient(one);
        await ReadyIsAsync(ofOne, "Healthy");

        await using (HostProcess other = await StartAsync(redis, "other", historySize: 0))
        {
            using HttpClient ofOther = RelayHost.NewClient(other);
            await ReadyIsAsync(ofOne, "Degraded");
            await ReadyIsAsync(ofOther, "Degraded");
            await Bounded.Eventually(() => Warnings(one, "other") == 1 && Warnings(other, "one") == 1);
            Assert.Contains("weir_relay_nodes_with_other_rules{otel_scope_name=\"Weir.Relay\"} 1", await MetricsAsync(ofOne),
                StringComparison.Ordinal);
            string[] digests = [.. (await RelayHost.CallAsync(ofOne, "info", "{}")).GetProperty("result").GetProperty("nodes")
                .EnumerateArray().Select(static node => node.GetProperty("rules").GetString()!)];
            Assert.Equal(2, digests.Distinct().Count());
        }

        // It ends, and one with the same rules starts: a deployment that is over.
        await using HostProcess same = await StartAsync(redis, "same", historySize: 100);
        using HttpClient ofSame = RelayHost.NewClient(same);
        await ReadyIsAsync(ofOne, "Healthy");
        await ReadyIsAsync(ofSame, "Healthy");
        Assert.Equal(1, Warnings(one, "other"));
        Assert.Contains("All nodes have the same room rules", one.Output, StringComparison.Ordinal);
        Assert.Contains("weir_relay_nodes_with_other_rules{otel_scope_name=\"Weir.Relay\"} 0", await MetricsAsync(ofOne),
            StringComparison.Ordinal);
    }

    private static Task ReadyIsAsync(HttpClient http, string status)
        => Waiting.UntilAsync(async () => await http.GetStringAsync("/health/ready").Within() == status, $"the node is {status}", _limit);

    private static async Task<string> MetricsAsync(HttpClient http) => await http.GetStringAsync("/metrics").Within();

    private static int Warnings(HostProcess host, string node)
        => host.Output.Split($"1 other nodes have other room rules, so clients may miss publications there: make Weir:Rooms the same on {node}").Length - 1;

    private static Task<HostProcess> StartAsync(RedisServer redis, string name, int historySize) => HostProcess.StartAsync(
        ("Weir__Node__Name", name),
        ("Weir__Broker__Kind", "Redis"),
        ("Weir__Redis__Configuration", redis.Address),
        ("Weir__Rooms__0__Pattern", "kept:*"),
        ("Weir__Rooms__0__HistorySize", $"{historySize}"),
        ("Weir__Api__Key", RelayHost.Key),
        ("DOTNET_gcServer", "0"));
}
