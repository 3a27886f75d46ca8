using Weir.Testing;

namespace Weir.TestSupport.Servers;

/// <summary>Three nats-servers with JetStream that store each stream three times.</summary>
public sealed class NatsCluster : IAsyncDisposable
{
    private readonly List<NatsServer> _servers = [];
    private int[] _monitors = [];

    public IReadOnlyList<NatsServer> Servers => _servers;

    /// <summary>The addresses of all servers, the given one first.</summary>
    public string UrlFrom(int first)
        => string.Join(',', _servers.Skip(first).Concat(_servers.Take(first)).Select(static server => server.Url));

    /// <summary>Starts all three.</summary>
    public static async Task<NatsCluster> StartAsync()
    {
        NatsCluster cluster = new();
        try
        {
            int[] ports = [RedisServer.FreePort(), RedisServer.FreePort(), RedisServer.FreePort()];
            int[] monitors = [RedisServer.FreePort(), RedisServer.FreePort(), RedisServer.FreePort()];
            cluster._monitors = monitors;
            string routes = string.Join(", ", ports.Select(static port => $"\"nats-route://127.0.0.1:{port}\""));
            for (int i = 0; i < ports.Length; i++)
            {
                cluster._servers.Add(NatsServer.Create(
                    $$"""
                    server_name: "n{{i}}"
                    http: "127.0.0.1:{{monitors[i]}}"
                    cluster: { name: "weir", listen: "127.0.0.1:{{ports[i]}}", routes: [ {{routes}} ] }
                    """,
                    RedisServer.FreePort()));
            }

            await Task.WhenAll(cluster._servers.Select(static server => server.StartAgainAsync()));
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until every server has all that it has to store: only then another may be ended.</summary>
    public async Task AreCurrentAsync()
    {
        using HttpClient client = new();
        foreach (int port in _monitors)
        {
            await Waiting.UntilAsync(
                async () =>
                {
                    try
                    {
                        using HttpResponseMessage response = await client.GetAsync(new Uri($"http://127.0.0.1:{port}/healthz")).Within();
                        return response.IsSuccessStatusCode;
                    }
                    catch (HttpRequestException)
                    {
                        return false;
                    }
                },
                "a server of the cluster is healthy",
                TimeSpan.FromMinutes(2));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (NatsServer server in _servers)
        {
            await server.DisposeAsync();
        }
    }
}
