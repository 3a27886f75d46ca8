namespace Weir.Chaos.Matrix;

/// <summary>Something that happens to the broker, to a node, to what is between them, or to the clients.</summary>
/// <param name="Name">As the table names it.</param>
/// <param name="InjectAsync">Does it, and undoes it where a fault is one that passes.</param>
internal sealed record Fault(string Name, Func<World, Task> InjectAsync)
{
    /// <summary>Arguments of redis-server.</summary>
    public string[] Redis { get; init; } = [];

    /// <summary>Whether Redis is found by Sentinels, with a replica.</summary>
    public bool HasReplica { get; init; }

    /// <summary>Whether every test run has it; <c>tests/Chaos/matrix.sh</c> has all.</summary>
    public bool IsInEveryRun { get; init; }

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("none", static _ => Task.CompletedTask) { IsInEveryRun = true },
        new("Redis stopped, shorter than the time-outs", static world => StopAsync(world, TimeSpan.FromSeconds(0.5))),
        new("Redis stopped, longer than the time-outs", static world => StopAsync(world, TimeSpan.FromSeconds(4))),
        new("Redis killed, back with its data", KillAsync) { Redis = ["--appendonly", "yes", "--appendfsync", "always"],
            IsInEveryRun = true },
        new("Redis killed, back without its data", KillAsync) { IsInEveryRun = true },
        new("Redis full (maxmemory)", static world => ConfigureAsync(world, "maxmemory 1mb", "maxmemory 0")) { IsInEveryRun = true },
        new("Redis without replicas it needs", static world => ConfigureAsync(world, "min-replicas-to-write 1", "min-replicas-to-write 0")),
        new("Redis read-only, then promoted", ReadOnlyAsync),
        new("Redis flushed", static world => world.Redis.AskAsync("FLUSHALL")) { IsInEveryRun = true },
        new("streams of two rooms deleted", static world => DeleteAsync(world, "stream")),
        new("positions of two rooms deleted", static world => DeleteAsync(world, "meta")),
        new("scripts flushed", static world => world.Redis.AskAsync("SCRIPT FLUSH")) { IsInEveryRun = true },
        new("links of a node cut, both ways", static world => Now(world.Proxy.Freeze)) { IsInEveryRun = true },
        new("links of a node cut, requests only", static world => Now(world.Proxy.FreezeRequests)),
        new("links of a node cut, answers only", static world => Now(world.Proxy.FreezeAnswers)),
        new("fail-over", static world => world.Redis.KillAsync()) { HasReplica = true },
        new("a node starved of processor time for 5 s", StarveAsync),
        new("a node paused for 4 s", PauseAsync),
        new("a node killed and replaced", KillNodeAsync) { IsInEveryRun = true },
        new("a node drained and replaced", DrainNodeAsync),
        new("clients cut", static world => Now(world.CutClients)) { IsInEveryRun = true },
        new("clients that do not read for 3 s", static world => world.HoldClientsAsync(TimeSpan.FromSeconds(3))),
        new("clients paused, shorter than the heartbeat's time-out", static world => world.PauseClientsAsync(TimeSpan.FromSeconds(3))),
        new("clients paused, longer than the heartbeat's time-out", static world => world.PauseClientsAsync(Fleet.Silence * 1.3)),
    ];

    public override string ToString() => Name;

    private static Task Now(Action action)
    {
        action();
        return Task.CompletedTask;
    }

    private static Task WaitAsync(TimeSpan time) => Task.Delay(time, TimeProvider.System, CancellationToken.None);

    private static async Task StopAsync(World world, TimeSpan time)
    {
        world.Redis.Stop();
        await WaitAsync(time);
        world.Redis.Continue();
    }

    private static async Task KillAsync(World world)
    {
        await world.Redis.KillAsync();
        await WaitAsync(TimeSpan.FromSeconds(1));
        await world.Redis.StartAgainAsync();
    }

    private static async Task ConfigureAsync(World world, string setting, string undo)
    {
        await world.Redis.AskAsync("CONFIG SET " + setting);
        await WaitAsync(TimeSpan.FromSeconds(3));
        await world.Redis.AskAsync("CONFIG SET " + undo);
    }

    private static async Task ReadOnlyAsync(World world)
    {
        await world.Redis.AskAsync("REPLICAOF 127.0.0.1 1"); // no server is there, so it goes on to read what it has
        await WaitAsync(TimeSpan.FromSeconds(3));
        await world.Redis.AskAsync("REPLICAOF NO ONE");
    }

    private static async Task DeleteAsync(World world, string what)
    {
        foreach (string room in (string[])[world.Rooms[0], world.Rooms[^1]])
        {
            string keys = $"*room:{room}}}:{what}";
            await world.Redis.AskAsync(
                $"EVAL \"for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end return 1\" 0 {keys}");
        }
    }

    // Nineteen of twenty parts of the time, so that it lives and is late with everything.
    private static async Task StarveAsync(World world)
    {
        for (int slice = 0; slice < 25; slice++)
        {
            world.Fleet[0].Stop();
            await WaitAsync(TimeSpan.FromMilliseconds(190));
            world.Fleet[0].Continue();
            await WaitAsync(TimeSpan.FromMilliseconds(10));
        }
    }

    private static async Task PauseAsync(World world)
    {
        world.Fleet[0].Stop();
        await WaitAsync(TimeSpan.FromSeconds(4));
        world.Fleet[0].Continue();
    }

    private static async Task KillNodeAsync(World world)
    {
        world.Fleet[0].Kill();
        await WaitAsync(TimeSpan.FromSeconds(1));
        await world.Fleet.ReplaceAsync(0);
    }

    private static async Task DrainNodeAsync(World world)
    {
        world.Fleet[0].Terminate();
        await world.Fleet[0].ExitAsync();
        await world.Fleet.ReplaceAsync(0);
    }
}
