using Weir.Chaos.Matrix;
using Weir.TestSupport.Servers;

namespace Weir.Chaos.Brokers;

/// <summary>NATS: a single server with JetStream, and for the fail-over a cluster of three.</summary>
internal sealed class NatsChaos : ChaosBroker
{
    public override string Name => "Nats";

    // Epochs are bound to a line in memory, which a restart ends.
    public override bool ChangesEpochWhenStartedAgain => true;

    public override IReadOnlyList<Fault> Faults =>
    [
        new("a server of the cluster killed", static world => world.Server.KillAsync()) { StartAsync = StartClusterAsync },
        new("a server of the cluster stopped", StopAsync) { StartAsync = StartClusterAsync },
        new("a server of the cluster in lame duck mode", static world => LameDuckAsync(world)) { StartAsync = StartClusterAsync },
    ];

    public override async Task<IChaosServer> StartAsync(bool keepsData) => new Server(await NatsServer.StartAsync(), keepsData);

    private static IReadOnlyList<(string Key, string Value)> SettingsOf(string url) =>
    [
        ("Weir__Broker__Kind", "Nats"),
        ("Weir__Nats__Url", url),
        ("Weir__Nats__ProbeInterval", "300ms"),
        ("Weir__Nats__ProbeTimeout", "1s"),
        ("Weir__Nats__RequestTimeout", "1s"),
        ("Weir__Nats__ConnectTimeout", "1s"),
        ("Weir__Nats__MaxHistory", "100000"),
    ];

    private static async Task<IChaosServer> StartClusterAsync()
    {
        NatsCluster cluster = await NatsCluster.StartAsync();
        await cluster.AreCurrentAsync();
        return new Group(cluster);
    }

    private static async Task StopAsync(World world)
    {
        world.Server.Stop();
        await Fault.WaitAsync(TimeSpan.FromSeconds(4));
        world.Server.Continue();
    }

    private static Task LameDuckAsync(World world)
    {
        ((Group)world.Server).EnterLameDuckMode();
        return Task.CompletedTask;
    }

    private sealed class Server(NatsServer nats, bool keepsData) : IChaosServer
    {
        public int? Port => nats.Port;

        public IReadOnlyList<(string Key, string Value)> SettingsAt(int? port) => SettingsOf($"nats://127.0.0.1:{port}");

        public Task KillAsync() => nats.KillAsync();

        public Task StartAgainAsync()
        {
            if (!keepsData)
            {
                nats.Forget();
            }

            return nats.StartAgainAsync();
        }

        public void Stop() => nats.Stop();

        public void Continue() => nats.Continue();

        public ValueTask DisposeAsync() => nats.DisposeAsync();
    }

    private sealed class Group(NatsCluster cluster) : IChaosServer
    {
        public int? Port => null; // nodes are given all addresses

        public IReadOnlyList<(string Key, string Value)> SettingsAt(int? port) => SettingsOf(cluster.UrlFrom(0));

        public void EnterLameDuckMode() => cluster.Servers[0].EnterLameDuckMode();

        public Task KillAsync() => cluster.Servers[0].KillAsync();

        public Task StartAgainAsync() => cluster.Servers[0].StartAgainAsync();

        public void Stop() => cluster.Servers[0].Stop();

        public void Continue() => cluster.Servers[0].Continue();

        public ValueTask DisposeAsync() => cluster.DisposeAsync();
    }
}
