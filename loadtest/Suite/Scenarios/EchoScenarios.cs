using NBomber.Contracts;
using NBomber.CSharp;
using Weir.LoadTest.Client;
using Weir.LoadTest.Protocols;

namespace Weir.LoadTest.Suite.Scenarios;

/// <summary>A message there and back on a connection that stays open: as fast as it goes, and by the clock.</summary>
internal static class EchoScenarios
{
    private const string EchoStep = "echo";

    public static SuiteScenario Closed { get; } = new("echo", EchoStep, CreateClosed) { IsOfDefault = true };

    public static SuiteScenario Open { get; } = new("echo_at_rate", EchoStep, CreateOpen) { IsOfDefault = true };

    private static ScenarioProps CreateClosed(SuiteSettings settings) => Create("echo", settings).WithLoadSimulations(
        Simulation.RampingConstant(copies: settings.Copies, during: settings.Ramp),
        Simulation.KeepConstant(copies: settings.Copies, during: settings.During));

    private static ScenarioProps CreateOpen(SuiteSettings settings) => Create("echo_at_rate", settings).WithLoadSimulations(
        Simulation.RampingInject(rate: settings.Rate, interval: SuiteSettings.Second, during: settings.Ramp),
        Simulation.Inject(rate: settings.Rate, interval: SuiteSettings.Second, during: settings.During));

    private static ScenarioProps Create(string name, SuiteSettings settings)
    {
        SuiteTarget target = settings.Target.At("/echo");
        SuitePool<SuiteConnection> connections = new(_ => SuiteConnection.OpenAsync(target));
        byte[] frame = MaskedFrames.Make(ServerFrame.Text, RawProtocol.Padding(settings.PayloadBytes));

        return Scenario.Create(name, async context => await connections.UseAsync(connection => Step.Run(EchoStep, context, async () =>
        {
            await connection.SendAsync(frame);
            int received = await connection.ReceiveMessageAsync();
            return received == settings.PayloadBytes
                ? Response.Ok(sizeBytes: received)
                : Response.Fail(message: $"{received} bytes came back");
        })))
        .WithInit(_ => connections.FillAsync(settings.Copies))
        .WithClean(_ => connections.ClearAsync())
        .WithoutWarmUp();
    }
}
