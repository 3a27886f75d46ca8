using System.Diagnostics;
using System.Net.WebSockets;
using Weir.Integration.Relay;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Deploy;

/// <summary>Server-Sent Events through each proxy of deploy/: no proxy buffers them, and headers arrive as they were sent.</summary>
public sealed class StreamsThroughProxiesTests
{
    private const string Origin = "https://app.example";

    // Without the options of the files: 205 ms (HAProxy, only where TLS is ended before it), at the end of the stream (nginx).
    private static readonly TimeSpan _most = TimeSpan.FromMilliseconds(100);

    [Theory]
    [InlineData("nginx")]
    [InlineData("haproxy")]
    [InlineData("haproxy, cleartext")]
    [InlineData("caddy")]
    public async Task Events_ArriveAtOnce_AndCorsHeadersAsTheyWereSent(string kind)
    {
        // The test publishes at the nodes themselves, without a PROXY header.
        (string, string) withoutProxyProtocol = (" send-proxy-v2 check-send-proxy", "");
        await using TwoNodes nodes = await TwoNodes.StartAsync(
            ("Weir__Origins", Origin),
            ("Weir__Api__Key", RelayHost.Key),
            ("Weir__TrustedProxies", "127.0.0.0/8"));
        await using LoadBalancer proxy = await (kind switch
        {
            "nginx" => LoadBalancer.StartNginxAsync("nginx.conf", nodes.Ports),
            "haproxy" => LoadBalancer.StartHaproxyAsync(nodes.Ports, withoutProxyProtocol),
            "caddy" => LoadBalancer.StartCaddyAsync(nodes.Ports),
            _ => LoadBalancer.StartHaproxyAsync(nodes.Ports, withoutProxyProtocol, (" ssl crt ", " # ssl crt ")),
        });
        using HttpClientHandler handler =
            new() { ServerCertificateCustomValidationCallback = static (_, certificate, _, _) => certificate is not null };
        using HttpClient http = new(handler);
        string scheme = kind.EndsWith("cleartext", StringComparison.Ordinal) ? "http" : "https";
        using HttpRequestMessage request = new(HttpMethod.Get, $"{scheme}://127.0.0.1:{proxy.Port}/sse?room=a");
        request.Headers.Add("Origin", Origin);

        using HttpResponseMessage response =
            await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, CancellationToken.None).Within();
        using StreamReader stream = new(await response.Content.ReadAsStreamAsync(CancellationToken.None));

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(Origin, Assert.Single(response.Headers.GetValues("Access-Control-Allow-Origin")));
        Assert.Contains("no-cache", response.Headers.CacheControl?.ToString(), StringComparison.Ordinal);
        TimeSpan least = TimeSpan.MaxValue;
        for (int n = 0; n < 10; n++)
        {
            // The nodes have no broker between them: one of the two has the stream.
            long start = Stopwatch.GetTimestamp();
            await Task.WhenAll(PublishAsync(nodes[0], n), PublishAsync(nodes[1], n));
            while (await stream.ReadLineAsync().Within() is { } line && !line.Contains($"event {n}", StringComparison.Ordinal))
            {
                // Ids, and empty lines between events.
            }

            // The least: a busy machine is late at times, and a proxy that waits is late always.
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            least = took < least ? took : least;
        }

        Assert.True(least < _most, $"The quickest of ten events took {least.TotalMilliseconds:F0} ms.");

        async Task PublishAsync(HostProcess node, int n)
        {
            using HttpClient api = RelayHost.NewClient(node);
            await RelayHost.CallAsync(api, "publish", $$"""{"channel":"a","data":"event {{n}}"}""");
        }
    }

    // Caddy 2.6 aborts all at a reload, and sends the node a Close without a mask.
    [Fact]
    public async Task CaddyReload_AbortsAll_AndClientsReconnectToRunningNodes()
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync();
        await using LoadBalancer caddy = await LoadBalancer.StartCaddyAsync(nodes.Ports);
        using Visitor visitor = new(caddy);
        List<ClientWebSocket> clients = [];
        for (int n = 0; n < 20; n++)
        {
            clients.Add(await visitor.OpenAsync("/ws?room=a"));
        }

        await nodes.UntilAsync(20);
        await caddy.ReloadCaddyAsync();
        await nodes.UntilAsync(0);
        clients.ForEach(static client => client.Dispose());

        using ClientWebSocket again = await visitor.OpenAsync("/ws?room=a");
        await nodes.UntilAsync(1);
        Assert.DoesNotContain("fail:", nodes[0].Output + nodes[1].Output, StringComparison.Ordinal);
        Assert.DoesNotContain("warn:", nodes[0].Output + nodes[1].Output, StringComparison.Ordinal);
    }
}
