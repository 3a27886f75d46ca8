using NBomber.CSharp;

namespace Weir.LoadTest.Suite.Scenarios;

/// <summary>
/// Idle connections that answer the server's heartbeats. A copy is a client, and an iteration the wait for its next Ping: the
/// latency is the interval as it really is.
/// </summary>
internal static class IdleScenario
{
    private const string HeartbeatStep = "heartbeat";

    public static SuiteScenario Definition { get; } = new("idle", Create);

    private static SuiteLoad Create(SuiteSettings settings)
    {
        SuiteTarget target = settings.Target.At("/ws");
        SuitePool<SuiteConnection> connections = new(_ => SuiteConnection.OpenAsync(target, "idle"));

        return new SuiteLoad(
            "idle",
            HeartbeatStep,
            context => connections.UseAsync(connection => SuiteStep.RunAsync(HeartbeatStep, context, async () =>
            {
                try
                {
                    await connection.ReceivePingAsync().WaitAsync(settings.HeartbeatTimeout, TimeProvider.System);
                    return Response.Ok();
                }
                catch (TimeoutException)
                {
                    return Response.Fail(
                        statusCode: "timeout", message: $"no Ping within {settings.HeartbeatTimeout.TotalSeconds:N1} s");
                }
            })),
            [Simulation.KeepConstant(copies: settings.Connections, during: settings.During)])
        {
            Init = () => connections.FillAsync(settings.Connections),
            Clean = connections.ClearAsync,
        };
    }
}
