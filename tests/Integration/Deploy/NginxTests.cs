using System.Net.WebSockets;
using Weir.Client;
using Weir.Client.Events;
using Weir.Integration.Client;
using Weir.Integration.Relay;
using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Integration.Deploy;

/// <summary>deploy/nginx in front of two nodes, wss ended there.</summary>
public sealed class NginxTests
{
    private static readonly (string, string) _trust = ("Weir__TrustedProxies", "127.0.0.0/8");

    // There is no broker between these nodes: that the two receive each other's messages shows that they are on the same.
    [Fact]
    public async Task ByRoom_AllClientsOfARoomAreOnOneNode_AndRoomsAreSpread()
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync();
        await using LoadBalancer nginx = await LoadBalancer.StartNginxAsync("nginx.conf", nodes.Ports);
        using Visitor visitor = new(nginx);
        using Visitor other = new(nginx, "127.0.9.9");
        List<ClientWebSocket> clients = [];
        for (int room = 0; room < 30; room++)
        {
            ClientWebSocket first = await visitor.OpenAsync($"/ws?room=r{room}");
            ClientWebSocket second = await other.OpenAsync($"/ws?room=r{room}");
            clients.AddRange([first, second]);
        }

        (int first30, int second30) = await nodes.UntilAsync(60);
        Assert.True(first30 > 0 && second30 > 0 && first30 % 2 == 0, $"{first30} and {second30}");
        for (int room = 0; room < 30; room++)
        {
            await clients[2 * room].SendAsync($"to {room}");
            Assert.Equal($"to {room}", await clients[(2 * room) + 1].ReceiveTextAsync());
        }

        clients.ForEach(static client => client.Dispose());
    }

    [Fact]
    public async Task ByAddress_AClientReturnsToItsNode_AndAddressesAreSpread()
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync(("Weir__Echo__Enabled", "true"));
        await using LoadBalancer nginx = await LoadBalancer.StartNginxAsync("nginx.conf", nodes.Ports);
        int opened = 0;
        List<ClientWebSocket> clients = [];
        for (int net = 1; net <= 20; net++) // ip_hash looks at the first three numbers of an address
        {
            using Visitor visitor = new(nginx, $"127.0.{net}.1");
            (int before, _) = await nodes.UntilAsync(opened);
            clients.Add(await visitor.OpenAsync("/echo"));
            clients.Add(await visitor.OpenAsync("/echo"));
            opened += 2;
            (int after, _) = await nodes.UntilAsync(opened);
            Assert.Contains(after - before, (int[])[0, 2]); // both on the one, or both on the other
        }

        (int first, int second) = await nodes.UntilAsync(opened);
        Assert.True(first > 0 && second > 0, $"{first} and {second}");
        clients.ForEach(static client => client.Dispose());
    }

    [Fact]
    public async Task ByLoad_BothNodesHaveTheirShare()
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync();
        await using LoadBalancer nginx = await LoadBalancer.StartNginxAsync("nginx.conf", nodes.Ports);
        using Visitor visitor = new(nginx);
        List<ClientWebSocket> clients = [];
        for (int n = 0; n < 20; n++)
        {
            clients.Add(await visitor.OpenAsync("/connection/websocket"));
        }

        Assert.Equal((10, 10), await nodes.UntilAsync(20));
        clients.ForEach(static client => client.Dispose());
    }

    [Fact]
    public async Task Node_HasTheClientsAddress_ByXForwardedFor()
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync(_trust, ("Weir__Limits__MaxConnectionsPerAddress", "1"));
        await using LoadBalancer nginx = await LoadBalancer.StartNginxAsync("nginx.conf", nodes.Ports);
        using Visitor first = new(nginx, "127.0.0.2");
        using Visitor second = new(nginx, "127.0.0.3");

        using ClientWebSocket one = await first.OpenAsync("/ws?room=r");
        using ClientWebSocket two = await second.OpenAsync("/ws?room=r");

        Assert.Equal(429, await first.StatusOfAsync("/ws?room=r"));
    }

    [Fact]
    public async Task Stream_EndsTls_AndPassesTheClientsAddressByTheProxyProtocol()
    {
        await using TwoNodes nodes =
            await TwoNodes.StartAsync(("Weir__ProxyProtocol", "127.0.0.0/8"), ("Weir__Limits__MaxConnectionsPerAddress", "1"));
        await using LoadBalancer nginx = await LoadBalancer.StartNginxAsync("nginx-stream.conf", nodes.Ports);
        using Visitor first = new(nginx, "127.0.0.2");
        using Visitor second = new(nginx, "127.0.0.3");

        using ClientWebSocket one = await first.OpenAsync("/ws?room=r");
        using ClientWebSocket two = await second.OpenAsync("/ws?room=r");

        Assert.Equal(429, await first.StatusOfAsync("/ws?room=r"));
    }

    // A request that the draining node answers with 503 goes to the other, so a returning client connects at once.
    [Fact]
    public async Task NodeThatDrains_IsPassedOver()
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync(("Weir__Drain__Window", "60"));
        await using LoadBalancer nginx = await LoadBalancer.StartNginxAsync("nginx.conf", nodes.Ports);
        using Visitor visitor = new(nginx);
        // So many that the drain takes some time: a hundred a second are closed.
        List<RawClient> held = [];
        for (int n = 0; n < 400; n++)
        {
            held.Add(await nodes[0].OpenAsync("/ws?room=held"));
        }

        nodes[0].Terminate();
        await nodes[0].MetricBecomesAsync("weir_drain_active", static active => active == 1);

        List<ClientWebSocket> clients = [];
        for (int room = 0; room < 20; room++)
        {
            clients.Add(await visitor.OpenAsync($"/ws?room=r{room}"));
        }

        await nodes[1].MetricBecomesAsync("weir_connections_active", static active => active == 20);
        clients.ForEach(static client => client.Dispose());
        nodes[0].Terminate();
        await nodes[0].ExitAsync();
        held.ForEach(static client => client.Dispose());
    }

    [Fact]
    public async Task Reload_AbortsTheRestAfterItsTimeout_AndClientsReconnect()
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync();
        await using LoadBalancer nginx = await LoadBalancer.StartNginxAsync(
            "nginx.conf", nodes.Ports, ("worker_shutdown_timeout 5m", "worker_shutdown_timeout 1s"));
        RelayClientOptions options = Quick.Relay();
        options.ConfigureSocket = static socket => socket.RemoteCertificateValidationCallback = static (_, certificate, _, _)
            => certificate is not null;
        await using RelayClient client = new(new Uri($"wss://127.0.0.1:{nginx.Port}/ws"), "r", options);
        Listening<ClientEvent> events = new(client.ReadAllAsync());
        client.Start();
        await events.NextAsync<Connected>();

        nginx.Reload();

        Assert.Equal(EndKind.ConnectionLost, (await events.NextAsync<Disconnected>()).End.Kind);
        await events.NextAsync<Connected>();
    }

    [Fact]
    public async Task DrainingNode_IsSkippedByAnEventSourceToo_AndWithoutANodeItIsToReconnect()
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync(("Weir__Drain__Window", "60"));
        await using LoadBalancer nginx = await LoadBalancer.StartNginxAsync("nginx.conf", nodes.Ports);
        using HttpClient http = nginx.NewHttpClient();
        http.DefaultRequestHeaders.Add("Accept", "text/event-stream");
        List<RawClient> held = [];
        for (int node = 0; node < 2; node++)
        {
            for (int n = 0; n < 400; n++)
            {
                held.Add(await nodes[node].OpenAsync("/ws?room=held"));
            }
        }

        // Whichever of the two nginx has chosen for this address.
        for (int node = 0; node < 2; node++)
        {
            nodes[node].Terminate();
            await nodes[node].MetricBecomesAsync("weir_drain_active", static active => active == 1);
            if (node == 0)
            {
                using EventStream stream = await EventStream.OpenAsync(http, "/sse?room=a");
                Assert.Null(stream.Retry);
            }
        }

        foreach (string path in (string[])["/sse?room=a", "/connection/sse?cf_connect={}"])
        {
            using HttpResponseMessage answer = await http.GetAsync(path).Within();
            Assert.Equal((200, "text/event-stream"), ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
            Assert.Matches("^retry: [1-4]000\n\n$", await answer.Content.ReadAsStringAsync().Within());
        }

        held.ForEach(static client => client.Dispose());
        nodes[0].Kill();
        nodes[1].Kill();
        await nodes[0].ExitAsync();
        await nodes[1].ExitAsync();
        Assert.StartsWith("retry: ", await http.GetStringAsync("/sse?room=a").Within(), StringComparison.Ordinal);
        using HttpResponseMessage final = await http.GetAsync("/emulation").Within();
        Assert.Equal(502, (int)final.StatusCode);
    }

    // nginx refuses a request with 400 when a line of its head is longer than 8 KB, and a browser does not reconnect after that.
    [Fact]
    public async Task StreamOfManyRooms_ReconnectsWithItsId()
    {
        const int Rooms = 450;
        await using TwoNodes nodes = await TwoNodes.StartAsync(("Weir__Api__Key", RelayHost.Key), ("Weir__Rooms__0__Pattern", "*"),
            ("Weir__Rooms__0__HistorySize", "10"));
        await using LoadBalancer nginx = await LoadBalancer.StartNginxAsync("nginx.conf", nodes.Ports);
        using HttpClient http = nginx.NewHttpClient();
        HttpClient[] backEnds = [RelayHost.NewClient(nodes[0]), RelayHost.NewClient(nodes[1])];
        string target = "/sse?" + string.Join('&', Enumerable.Range(0, Rooms).Select(static room => $"room=r{room}"));
        string last;
        using (EventStream first = await EventStream.OpenAsync(http, target))
        {
            for (int room = 0; room < Rooms; room++)
            {
                await PublishAsync(room, 1);
                Assert.Equal("1", (await first.ReadAsync()).Data);
                Assert.InRange(first.LastId.Length, 1, 1000);
            }

            last = first.LastId;
        }

        for (int room = 0; room < Rooms; room += 7)
        {
            await PublishAsync(room, 2);
        }

        using EventStream back = await EventStream.OpenAsync(http, target, last);
        for (int room = 0; room < Rooms; room += 7)
        {
            StreamEvent missed = await back.ReadAsync();
            Assert.Equal(("", "2"), (missed.Name, missed.Data));
            Assert.StartsWith($"{room};", missed.LastId, StringComparison.Ordinal);
        }

        Array.ForEach(backEnds, static each => each.Dispose());

        // There is no broker between the nodes: the one that nginx has chosen for this address receives it.
        async Task PublishAsync(int room, int data)
        {
            foreach (HttpClient backEnd in backEnds)
            {
                await RelayHost.CallAsync(backEnd, "publish", $$"""{"channel":"r{{room}}","data":{{data}}}""");
            }
        }
    }

    [Fact]
    public async Task MetricsAndHealth_AreNotForTheWorld()
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync();
        await using LoadBalancer nginx = await LoadBalancer.StartNginxAsync("nginx.conf", nodes.Ports);
        using Visitor visitor = new(nginx);

        Assert.Equal(404, await visitor.StatusOfAsync("/metrics"));
        Assert.Equal(404, await visitor.StatusOfAsync("/health/ready"));
    }
}
