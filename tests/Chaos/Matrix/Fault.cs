using Weir.Chaos.Brokers;

namespace Weir.Chaos.Matrix;

/// <summary>Something that happens to the broker, to a node, to what is between them, or to the clients.</summary>
/// <param name="Name">As the table names it.</param>
/// <param name="InjectAsync">Does it, and undoes it where a fault is one that passes.</param>
internal sealed record Fault(string Name, Func<World, Task> InjectAsync)
{
    /// <summary>Whether the broker has its data after it was killed and started again; default false.</summary>
    public bool KeepsData { get; init; }

    /// <summary>Starts the servers that the fault needs; <c>null</c>: the broker's single one.</summary>
    public Func<Task<IChaosServer>>? StartAsync { get; init; }

    /// <summary>Whether every test run has it; <c>tests/Chaos/matrix.sh</c> has all.</summary>
    public bool IsInEveryRun { get; init; }

    /// <summary>The faults that every broker has, and those that only the current one has.</summary>
    public static IReadOnlyList<Fault> All { get; } =
    [
        new("none", static _ => Task.CompletedTask) { IsInEveryRun = true },
        new($"{ChaosBroker.Current.Name} stopped, shorter than the time-outs", static world => StopAsync(world, TimeSpan.FromSeconds(0.5))),
        new($"{ChaosBroker.Current.Name} stopped, longer than the time-outs", static world => StopAsync(world, TimeSpan.FromSeconds(4))),
        new($"{ChaosBroker.Current.Name} killed, back with its data", KillAsync) { KeepsData = true, IsInEveryRun = true },
        new($"{ChaosBroker.Current.Name} killed, back without its data", KillAsync) { IsInEveryRun = true },
        .. ChaosBroker.Current.Faults,
        new("links of a node cut, both ways", static world => Now(world.Proxy.Freeze)) { IsInEveryRun = true },
        new("links of a node cut, requests only", static world => Now(world.Proxy.FreezeRequests)),
        new("links of a node cut, answers only", static world => Now(world.Proxy.FreezeAnswers)),
        new("a node starved of processor time for 5 s", StarveAsync),
        new("a node paused for 4 s", PauseAsync),
        new("a node killed and replaced", KillNodeAsync) { IsInEveryRun = true },
        new("a node drained and replaced", DrainNodeAsync),
        new("clients cut", static world => Now(world.ResetClients)) { IsInEveryRun = true },
        new("clients that do not read for 3 s", static world => world.HoldClientsAsync(TimeSpan.FromSeconds(3))),
        new("clients paused, shorter than the heartbeat's time-out", static world => world.PauseClientsAsync(TimeSpan.FromSeconds(3))),
        new("clients paused, longer than the heartbeat's time-out", static world => world.PauseClientsAsync(Fleet.Silence * 1.3)),
    ];

    public override string ToString() => Name;

    /// <summary>Waits while a fault lasts.</summary>
    public static Task WaitAsync(TimeSpan time) => Task.Delay(time, TimeProvider.System, CancellationToken.None);

    private static Task Now(Action action)
    {
        action();
        return Task.CompletedTask;
    }

    private static async Task StopAsync(World world, TimeSpan time)
    {
        world.Server.Stop();
        await WaitAsync(time);
        world.Server.Continue();
    }

    private static async Task KillAsync(World world)
    {
        await world.Server.KillAsync();
        await WaitAsync(TimeSpan.FromSeconds(1));
        await world.Server.StartAgainAsync();
    }

    // Nineteen of twenty parts of the time, so that it works and is late with everything.
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
