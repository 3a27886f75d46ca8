using NBomber.Contracts;
using NBomber.CSharp;
using Weir.LoadTest.Running;

namespace Weir.LoadTest.Suite.Scenarios;

/// <summary>
/// A deploy as it should be: of two servers with half of the clients each one gets SIGTERM. It must close all of its clients,
/// which reconnect to the other, and end with 0.
/// </summary>
internal static class RollingScenario
{
    private const int GoingAway = 1001;
    private const string DrainStep = "drain";

    public static SuiteScenario Definition { get; } = new("rolling", Create) { StartsServers = true, RunsThroughFailures = true };

    private static IReadOnlyList<SuiteLoad> Create(SuiteSettings settings)
    {
        ReturningClients clients = new("rolling", settings, servers: 2, GoingAway);
        return
        [
            clients.Load(),
            clients.Companion("rolling_drain", DrainStep,
                context => SuiteStep.RunAsync(DrainStep, context, () => DrainAsync(clients.Servers[0], settings.DrainTimeout))),
        ];
    }

    private static async Task<Response<object>> DrainAsync(LocalServer server, TimeSpan limit)
    {
        server.Terminate();
        try
        {
            int exitCode = await server.ExitAsync().WaitAsync(limit, TimeProvider.System);
            return exitCode == 0 ? Response.Ok() : Response.Fail(statusCode: "exit-code", message: $"the server ended with {exitCode}");
        }
        catch (TimeoutException)
        {
            return Response.Fail(statusCode: "timeout", message: $"the server has not ended within {limit.TotalSeconds:N1} s");
        }
    }
}
