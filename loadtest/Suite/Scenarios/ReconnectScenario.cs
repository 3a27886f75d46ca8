using NBomber.Contracts;
using NBomber.CSharp;
using Weir.LoadTest.Client;
using Weir.LoadTest.Running;

namespace Weir.LoadTest.Suite.Scenarios;

/// <summary>
/// A crash: the server is killed under its clients and started again, and all of them reconnect. How long each
/// was disconnected is a step of theirs; how long it took from the server being up until the last was back, one of the companion's.
/// </summary>
internal static class ReconnectScenario
{
    private const string BackStep = "all_back";

    public static SuiteScenario Definition { get; } = new("reconnect", Create) { StartsServers = true, RunsThroughFailures = true };

    private static IReadOnlyList<SuiteLoad> Create(SuiteSettings settings)
    {
        ReturningClients clients = new("reconnect", settings, servers: 1, ConnectionEnd.NoCloseFrame);
        return [clients.Load(), clients.Companion("reconnect_crash", BackStep, context => CrashAsync(context, clients, settings))];
    }

    private static async Task<Response<object>> CrashAsync(IScenarioContext context, ReturningClients clients, SuiteSettings settings)
    {
        LocalServer server = clients.Servers[0];
        server.Kill();
        await server.ExitAsync();
        await Task.Delay(settings.Down, TimeProvider.System);
        await server.StartAsync();
        return await SuiteStep.RunAsync(BackStep, context, async () =>
        {
            await clients.AreAllReconnected.WaitAsync(settings.MaxAway, TimeProvider.System);
            return Response.Ok();
        });
    }
}
