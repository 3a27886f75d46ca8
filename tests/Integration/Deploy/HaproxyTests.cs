using System.Net;
using System.Net.WebSockets;
using Xunit;

namespace Weir.Integration.Deploy;

/// <summary>deploy/haproxy in front of two nodes: wss ended there, PROXY protocol behind it.</summary>
public sealed class HaproxyTests
{
    private static readonly (string, string) _proxied = ("Weir__ProxyProtocol", "127.0.0.0/8");

    // A busy machine may answer a check later than in 2 s, and then the node's clients are sent to the other one.
    private static readonly (string, string) _slowChecks = ("check inter 2s", "check inter 60s");

    [Fact]
    public async Task ByAddress_AClientReturnsToItsNode_AndItsAddressIsKnownThere()
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync(_proxied, ("Weir__Limits__MaxConnectionsPerAddress", "1"));
        await using LoadBalancer haproxy = await LoadBalancer.StartHaproxyAsync(nodes.Ports, _slowChecks);
        List<ClientWebSocket> clients = [];
        for (int n = 1; n <= 20; n++)
        {
            using Visitor visitor = new(haproxy, $"127.0.0.{n}");
            clients.Add(await visitor.OpenAsync("/ws?room=r"));
            // The same node once more, or it would admit a second one.
            Assert.Equal(429, await visitor.StatusOfAsync("/ws?room=r"));
        }

        clients.ForEach(static client => client.Dispose());
    }

    [Fact]
    public async Task ByCookie_ABrowserReturnsToItsNode_WithAnyAddress()
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync(_proxied);
        await using LoadBalancer haproxy = await LoadBalancer.StartHaproxyAsync(nodes.Ports, _slowChecks);
        List<string> seen = [];
        List<ClientWebSocket> clients = [];
        for (int n = 1; n <= 6; n++)
        {
            CookieContainer cookies = new();
            using Visitor at = new(haproxy, "127.0.0.2", cookies);
            using Visitor later = new(haproxy, "127.0.7.7", cookies);

            clients.Add(await at.OpenAsync("/connection/websocket"));
            string node = Assert.Single(cookies.GetAllCookies()).Value;
            clients.Add(await later.OpenAsync("/connection/websocket"));

            Assert.Equal(node, Assert.Single(cookies.GetAllCookies()).Value); // no other was given
            seen.Add(node);
        }

        Assert.Equal(["node1", "node2"], seen.Distinct().Order());
        clients.ForEach(static client => client.Dispose());
    }

    [Fact]
    public async Task NodeThatHasEnded_IsSkipped_AlsoForClientsWithItsCookie()
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync(_proxied);
        await using LoadBalancer haproxy = await LoadBalancer.StartHaproxyAsync(nodes.Ports, _slowChecks);
        CookieContainer cookies = new();
        using Visitor visitor = new(haproxy, "127.0.0.2", cookies);
        using ClientWebSocket client = await visitor.OpenAsync("/connection/websocket");
        string before = Assert.Single(cookies.GetAllCookies()).Value;

        nodes[before == "node1" ? 0 : 1].Terminate();
        await nodes[before == "node1" ? 0 : 1].ExitAsync();
        using ClientWebSocket again = await visitor.OpenAsync("/connection/websocket");

        Assert.NotEqual(before, Assert.Single(cookies.GetAllCookies()).Value);
    }

    [Fact]
    public async Task MetricsAndHealth_AreNotForTheWorld()
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync(_proxied);
        await using LoadBalancer haproxy = await LoadBalancer.StartHaproxyAsync(nodes.Ports, _slowChecks);
        using Visitor visitor = new(haproxy);

        Assert.Equal(404, await visitor.StatusOfAsync("/metrics"));
        Assert.Equal(404, await visitor.StatusOfAsync("/health/ready"));
    }
}
