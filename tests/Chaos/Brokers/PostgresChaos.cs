using Weir.Brokers.Postgres;
using Weir.Chaos.Matrix;
using Weir.TestSupport.Servers;

namespace Weir.Chaos.Brokers;

/// <summary>PostgreSQL: a single server, and for the fail-over a standby that is promoted.</summary>
internal sealed class PostgresChaos : ChaosBroker
{
    public override string Name => "Postgres";

    // A crash loses nothing that was confirmed.
    public override bool ChangesEpochWhenStartedAgain => false;

    public override IReadOnlyList<Fault> Faults =>
    [
        new("sessions ended by the server", static world => AskAsync(world, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            + "WHERE application_name = 'weir'"))
        {
            IsInEveryRun = true,
        },
        new("PostgreSQL read-only", ReadOnlyAsync) { IsInEveryRun = true },
        new("rooms deleted", static world => AskAsync(world, "DELETE FROM weir.room")) { IsInEveryRun = true },
        new("announcements emptied", static world => AskAsync(world, "TRUNCATE weir.announcement")),
        new("another session's transaction holds the outbox and the rooms", HoldAsync),
        new("fail-over", static world => world.Server.KillAsync()) { StartAsync = static async () => await StartGroupAsync() },
    ];

    public override async Task<IChaosServer> StartAsync(bool keepsData) => new Server(await StartMigratedAsync(), keepsData);

    /// <summary>The settings of a Host that uses it, with timeouts that suit short scenarios.</summary>
    public static IReadOnlyList<(string Key, string Value)> SettingsOf(string connectionString) =>
    [
        ("Weir__Broker__Kind", "Postgres"),
        ("Weir__Postgres__ConnectionString", connectionString),
        ("Weir__Postgres__ProbeInterval", "300ms"),
        ("Weir__Postgres__ProbeTimeout", "1s"),
        ("Weir__Postgres__RequestTimeout", "1s"),
        ("Weir__Postgres__ConnectTimeout", "1s"),
    ];

    private static async Task<PostgresServer> StartMigratedAsync()
    {
        PostgresServer server = await PostgresServer.StartAsync("wal_level=replica");
        await PostgresMigration.RunAsync(server.ConnectionString);
        return server;
    }

    /// <summary>Starts a primary and its standby.</summary>
    public static async Task<Group> StartGroupAsync()
    {
        PostgresServer primary = await StartMigratedAsync();
        return new Group(primary, await primary.StartStandbyAsync());
    }

    private static Task<string> AskAsync(World world, string sql) => ((Server)world.Server).Postgres.AskAsync(sql);

    private static async Task ReadOnlyAsync(World world)
    {
        await AskAsync(world, "ALTER SYSTEM SET default_transaction_read_only = on");
        await AskAsync(world, "SELECT pg_reload_conf()");
        await Fault.WaitAsync(TimeSpan.FromSeconds(3));
        // This session is read-only too.
        await ((Server)world.Server).Postgres.AskAsync("ALTER SYSTEM RESET default_transaction_read_only");
        await AskAsync(world, "SELECT pg_reload_conf()");
    }

    private static Task<string> HoldAsync(World world)
        => AskAsync(world, "BEGIN; LOCK TABLE weir.outbox, weir.room IN SHARE MODE; SELECT pg_sleep(3); ROLLBACK");

    private sealed class Server(PostgresServer postgres, bool keepsData) : IChaosServer
    {
        public PostgresServer Postgres => postgres;

        public int? Port => postgres.Port;

        public IReadOnlyList<(string Key, string Value)> SettingsAt(int? port)
            => SettingsOf(postgres.ConnectionString.Replace($"Port={postgres.Port}", $"Port={port}", StringComparison.Ordinal));

        public Task KillAsync() => postgres.StopImmediateAsync();

        public async Task StartAgainAsync()
        {
            if (keepsData)
            {
                await postgres.StartAgainAsync();
                return;
            }

            await postgres.StartAgainWithoutDataAsync();
            await PostgresMigration.RunAsync(postgres.ConnectionString);
        }

        public void Stop() => postgres.Suspend();

        public void Continue() => postgres.Continue();

        public ValueTask DisposeAsync() => postgres.DisposeAsync();
    }

    /// <summary>A primary and its standby, which is promoted when the primary is killed.</summary>
    internal sealed class Group(PostgresServer primary, PostgresServer standby) : IChaosServer
    {
        public int? Port => null; // nodes look for the primary themselves

        public IReadOnlyList<(string Key, string Value)> SettingsAt(int? port)
            => SettingsOf(primary.ConnectionString.Replace(
                $"Host=127.0.0.1;Port={primary.Port}", $"Host=127.0.0.1:{primary.Port},127.0.0.1:{standby.Port}", StringComparison.Ordinal));

        /// <summary>The standby follows no more.</summary>
        public Task SeparateStandbyAsync() => standby.StopFollowingAsync();

        public async Task KillAsync()
        {
            await primary.StopImmediateAsync();
            await standby.PromoteAsync();
        }

        public Task StartAgainAsync() => throw new NotSupportedException("Its timeline has ended.");

        public void Stop() => primary.Suspend();

        public void Continue() => primary.Continue();

        public async ValueTask DisposeAsync()
        {
            await standby.DisposeAsync();
            await primary.DisposeAsync();
        }
    }
}
