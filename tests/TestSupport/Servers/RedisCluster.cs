using System.Diagnostics;
using Weir.Testing;

namespace Weir.TestSupport.Servers;

/// <summary>A Redis Cluster of a test's own: three masters, each with as many replicas as requested.</summary>
public sealed class RedisCluster : IAsyncDisposable
{
    private const int MasterCount = 3;

    private readonly List<RedisServer> _servers = [];
    private readonly List<RedisServer> _masters = [];

    /// <summary>Those that were masters at the start.</summary>
    public IReadOnlyList<RedisServer> Masters => _masters;

    public string Configuration => string.Join(',', _servers.Select(static server => server.Address));

    public static async Task<RedisCluster> StartAsync(int replicas)
    {
        RedisCluster cluster = new();
        try
        {
            for (int i = 0; i < MasterCount * (1 + replicas); i++)
            {
                cluster._servers.Add(await RedisServer.StartAsync(
                    "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-allow-replica-migration", "no"));
            }

            await RunAsync(
                ["--cluster", "create", .. cluster._servers.Select(static server => server.Address), "--cluster-replicas", $"{replicas}",
                    "--cluster-yes"]);
            foreach (RedisServer server in cluster._servers)
            {
                await Waiting.UntilAsync(
                    async () => (await server.AskAsync("CLUSTER INFO")).Contains("cluster_state:ok", StringComparison.Ordinal),
                        "the cluster is there");
                if ((await server.AskAsync("INFO replication")).Contains("role:master", StringComparison.Ordinal))
                {
                    cluster._masters.Add(server);
                }
            }

            await cluster.HaveReplicatedAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until every replica has what its master has.</summary>
    public async Task HaveReplicatedAsync()
    {
        foreach (RedisServer replica in _servers.Except(_masters))
        {
            string port = await replica.ReadInfoAsync("master_port");
            await replica.HasReplicatedAsync(_servers.Single(server => $"{server.Port}" == port));
        }
    }

    /// <summary>Gives all slots of one master to another.</summary>
    public async Task MoveSlotsAsync(RedisServer from, RedisServer to)
        => await RunAsync(
        [
            "--cluster", "reshard", from.Address,
            "--cluster-from", await from.AskAsync("CLUSTER MYID"),
            "--cluster-to", await to.AskAsync("CLUSTER MYID"),
            "--cluster-slots", "5462", "--cluster-yes", "--cluster-pipeline", "100",
        ]);

    public async ValueTask DisposeAsync()
    {
        foreach (RedisServer server in _servers)
        {
            await server.DisposeAsync();
        }
    }

    private static async Task RunAsync(IEnumerable<string> arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("redis-cli", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }) ?? throw new InvalidOperationException("redis-cli did not start.");
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync().Within(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync().Within();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"redis-cli ended with {process.ExitCode}:\n{output}{await errors}");
        }
    }
}
