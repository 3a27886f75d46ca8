using System.CommandLine;
using Weir.LoadTest.Scenarios;
using Weir.LoadTest.Workers;

RootCommand root = new("Loads a WebSocket server, says what it saw, and judges it by its exit code: 0 when all demands were met, 1 when not, 130 when interrupted.");
foreach (Scenario scenario in (Scenario[])
[
    new StormScenario(),
    new IdleScenario(),
    new EchoScenario(),
    RoomsScenario.Fanout(),
    RoomsScenario.Slow(),
    RoomsScenario.Steady(),
    new ReconnectScenario(),
    new RollingScenario(),
    new SoakScenario(),
    FloodScenario.Handshakes(),
    FloodScenario.Tokens(),
])
{
    root.Add(scenario.Create());
}

root.Add(CurvesCommand.Create());
Command worker = new(ProcessWorker.Command, "One of the processes of --processes") { Hidden = true };
worker.SetAction(static _ => ProcessWorker.Serve(Console.In, Console.Out));
root.Add(worker);

// Sessions handle signals themselves: the report is written first.
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
