using Weir.Chaos.Matrix;
using Weir.TestSupport.Servers;

namespace Weir.Chaos.Brokers;

/// <summary>Redis: a stand-alone server, and for the fail-over a replica and a Sentinel.</summary>
internal sealed class RedisChaos : ChaosBroker
{
    private static readonly string[] _durable = ["--appendonly", "yes", "--appendfsync", "always"];

    public override string Name => "Redis";

    // Epochs are bound to the replication id, which a restart changes.
    public override bool ChangesEpochWhenStartedAgain => true;

    public override IReadOnlyList<Fault> Faults =>
    [
        new("Redis full (maxmemory)", static world => ConfigureAsync(world, "maxmemory 1mb", "maxmemory 0")) { IsInEveryRun = true },
        new("Redis without replicas it needs", static world => ConfigureAsync(world, "min-replicas-to-write 1", "min-replicas-to-write 0")),
        new("Redis read-only, then promoted", ReadOnlyAsync),
        new("Redis flushed", static world => AskAsync(world, "FLUSHALL")) { IsInEveryRun = true },
        new("streams of two rooms deleted", static world => DeleteAsync(world, "stream")),
        new("positions of two rooms deleted", static world => DeleteAsync(world, "meta")),
        new("scripts flushed", static world => AskAsync(world, "SCRIPT FLUSH")) { IsInEveryRun = true },
        new("fail-over", static world => world.Server.KillAsync()) { StartAsync = StartGroupAsync },
    ];

    public override async Task<IChaosServer> StartAsync(bool keepsData)
        => new Server(await RedisServer.StartAsync(keepsData ? _durable : []));

    /// <summary>The settings of a Host that uses a Redis of this configuration, with timeouts that suit short scenarios.</summary>
    public static IReadOnlyList<(string Key, string Value)> SettingsOf(string configuration) =>
    [
        ("Weir__Broker__Kind", "Redis"),
        ("Weir__Redis__Configuration", configuration),
        ("Weir__Redis__ProbeInterval", "300ms"),
        ("Weir__Redis__ProbeTimeout", "1s"),
        ("Weir__Redis__RequestTimeout", "1s"),
        ("Weir__Redis__ConnectTimeout", "1s"),
    ];

    private static async Task<IChaosServer> StartGroupAsync() => new Group(await SentinelGroup.StartAsync());

    private static Task<string> AskAsync(World world, string command) => ((Server)world.Server).Redis.AskAsync(command);

    private static async Task ConfigureAsync(World world, string setting, string undo)
    {
        await AskAsync(world, "CONFIG SET " + setting);
        await Fault.WaitAsync(TimeSpan.FromSeconds(3));
        await AskAsync(world, "CONFIG SET " + undo);
    }

    private static async Task ReadOnlyAsync(World world)
    {
        await AskAsync(world, "REPLICAOF 127.0.0.1 1"); // no server is there, so it continues to read what it has
        await Fault.WaitAsync(TimeSpan.FromSeconds(3));
        await AskAsync(world, "REPLICAOF NO ONE");
    }

    private static async Task DeleteAsync(World world, string what)
    {
        foreach (string room in (string[])[world.Rooms[0], world.Rooms[^1]])
        {
            string keys = $"*room:{room}}}:{what}";
            await AskAsync(
                world, $"EVAL \"for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end return 1\" 0 {keys}");
        }
    }

    private sealed class Server(RedisServer redis) : IChaosServer
    {
        public RedisServer Redis => redis;

        public int? Port => redis.Port;

        public IReadOnlyList<(string Key, string Value)> SettingsAt(int? port) => SettingsOf($"127.0.0.1:{port}");

        public Task KillAsync() => redis.KillAsync();

        public Task StartAgainAsync() => redis.StartAgainAsync();

        public void Stop() => redis.Stop();

        public void Continue() => redis.Continue();

        public ValueTask DisposeAsync() => redis.DisposeAsync();
    }

    private sealed class Group(SentinelGroup group) : IChaosServer
    {
        public int? Port => null; // nodes ask the Sentinel for the master

        public IReadOnlyList<(string Key, string Value)> SettingsAt(int? port) => SettingsOf(group.Configuration);

        public Task KillAsync() => group.Master.KillAsync();

        public Task StartAgainAsync() => group.Master.StartAgainAsync();

        public void Stop() => group.Master.Stop();

        public void Continue() => group.Master.Continue();

        public ValueTask DisposeAsync() => group.DisposeAsync();
    }
}
