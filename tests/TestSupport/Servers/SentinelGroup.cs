namespace Weir.TestSupport.Servers;

/// <summary>A master, its replica, and a Sentinel that promotes the replica when the master has been silent for half a second.</summary>
public sealed class SentinelGroup : IAsyncDisposable
{
    private readonly List<RedisServer> _servers = [];

    public RedisServer Master => _servers[0];

    public RedisServer Replica => _servers[1];

    public string Configuration => $"{_servers[2].Address},serviceName=weir";

    /// <summary>Starts all three and waits until the Sentinel has a replica that it could promote.</summary>
    public static async Task<SentinelGroup> StartAsync()
    {
        SentinelGroup group = new();
        try
        {
            group._servers.Add(await RedisServer.StartAsync());
            group._servers.Add(await RedisServer.StartAsync("--replicaof", "127.0.0.1", $"{group.Master.Port}"));
            await group.HasReplicatedAsync();
            RedisServer sentinel = await RedisServer.StartSentinelAsync(group.Master, downAfterMilliseconds: 500);
            group._servers.Add(sentinel);
            await sentinel.HasReplicaAsync();
            return group;
        }
        catch
        {
            await group.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until the replica has all that its master has.</summary>
    public Task HasReplicatedAsync() => Replica.HasReplicatedAsync(Master);

    /// <summary>Separates the replica: it cannot reconnect to its master, which continues.</summary>
    public async Task SeparateReplicaAsync()
    {
        await Replica.AskAsync("CONFIG SET masteruser nobody masterauth wrong");
        await Master.AskAsync("CLIENT KILL TYPE replica");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (RedisServer server in Enumerable.Reverse(_servers))
        {
            await server.DisposeAsync();
        }
    }
}
