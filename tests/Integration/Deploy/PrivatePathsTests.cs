using Weir.Testing;
using Weir.TestSupport.Processes;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Integration.Deploy;

/// <summary>Metrics and probes are hidden by each proxy of deploy/ under every spelling that a node accepts.</summary>
public sealed class PrivatePathsTests
{
    // Those with true are answered by the node itself; the others are there in case that changes.
    private static readonly (string Target, bool IsServedByNode)[] _spellings =
    [
        ("/metrics", true), ("/METRICS", true), ("/Metrics", true), ("/metrics/", true), ("/metrics?x=1", true), ("/%6Detrics", true),
        ("/%6d%45trics", true), ("/./metrics", true), ("/x/../metrics", true), ("/%2e/metrics", true), ("/x/%2E%2e/METRICS", true),
        ("/health/ready", true), ("/HEALTH/READY", true), ("/Health/Live", true), ("/health/%72eady", true), ("/x/../health/live", true),
        ("//metrics", false), ("/metrics//", false), ("/%2Fmetrics", false), ("/metrics;x", false), ("/%256Detrics", false),
        ("/metric%C5%BF", false), ("/health", false), ("/metrics%20", false), ("/metrics%3Fx", false),
    ];

    [Fact]
    public async Task Node_AnswersTheseSpellings()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        List<string> other = [];
        foreach ((string target, bool isServed) in _spellings)
        {
            using RawClient client = await host.ConnectAsync();
            if (await StatusAsync(client, target) == 200 != isServed)
            {
                other.Add(target);
            }
        }

        Assert.Empty(other);
    }

    [Fact]
    public Task Nginx_HidesThem() => AssertHiddenAsync(static ports => LoadBalancer.StartNginxAsync("nginx.conf", ports));

    [Fact]
    public Task Haproxy_HidesThem()
        => AssertHiddenAsync(
            static ports => LoadBalancer.StartHaproxyAsync(ports, ("check inter 2s", "check inter 60s")),
            ("Weir__ProxyProtocol", "127.0.0.0/8"));

    [Fact]
    public Task Caddy_HidesThem() => AssertHiddenAsync(LoadBalancer.StartCaddyAsync);

    private static async Task AssertHiddenAsync(Func<int[], Task<LoadBalancer>> start, params (string Name, string Value)[] settings)
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync(settings);
        await using LoadBalancer proxy = await start(nodes.Ports);
        await Waiting.UntilAsync(async () => await StatusAsync(proxy, "/") == 200, "the proxy has found its nodes");
        List<string> open = [];
        foreach ((string target, _) in _spellings)
        {
            int status = await StatusAsync(proxy, target);
            if (status is not (404 or 400))
            {
                open.Add($"{target}: {status}");
            }
        }

        Assert.Empty(open);
    }

    private static async Task<int> StatusAsync(LoadBalancer proxy, string target)
    {
        using RawClient client = await RawClient.ConnectAsync("127.0.0.1", proxy.Port, tls: true);
        return await StatusAsync(client, target);
    }

    private static async Task<int> StatusAsync(RawClient client, string target)
    {
        await client.SendHeadAsync($"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        return (await client.ReadHeadAsync()).Status;
    }
}
