using NBomber.Contracts;
using NBomber.CSharp;
using Weir.LoadTest.Client;
using Weir.LoadTest.Protocols;

namespace Weir.LoadTest.Suite.Scenarios;

/// <summary>A message there and back on a connection that stays open: as fast as it goes, and by the clock.</summary>
internal static class EchoScenarios
{
    public const string Closed = "echo";
    public const string Open = "echo_at_rate";
    public const string EchoStep = "echo";

    public static ScenarioProps CreateClosed(SuiteSettings settings) => Create(Closed, settings).WithLoadSimulations(
        Simulation.RampingConstant(copies: settings.Copies, during: settings.Ramp),
        Simulation.KeepConstant(copies: settings.Copies, during: settings.During));

    public static ScenarioProps CreateOpen(SuiteSettings settings) => Create(Open, settings).WithLoadSimulations(
        Simulation.RampingInject(rate: settings.Rate, interval: SuiteSettings.Second, during: settings.Ramp),
        Simulation.Inject(rate: settings.Rate, interval: SuiteSettings.Second, during: settings.During));

    private static ScenarioProps Create(string name, SuiteSettings settings)
    {
        SuiteTarget target = settings.Target.At("/echo");
        SuitePool<SuiteConnection> pool = new();
        byte[] frame = MaskedFrames.Make(ServerFrame.Text, RawProtocol.Padding(settings.PayloadBytes));

        return Scenario.Create(name, async context =>
        {
            SuiteConnection connection = pool.Take() ?? await SuiteConnection.OpenAsync(target);
            Response<object> echo = await Step.Run(EchoStep, context, async () =>
            {
                await connection.SendAsync(frame);
                int received = await connection.ReceiveMessageAsync();
                return received == settings.PayloadBytes
                    ? Response.Ok(sizeBytes: received)
                    : Response.Fail(message: $"{received} bytes came back");
            });
            if (echo.IsError)
            {
                await connection.DisposeAsync();
            }
            else
            {
                pool.Put(connection);
            }

            return echo;
        })
        .WithInit(async _ =>
        {
            for (int i = 0; i < settings.Copies; i++)
            {
                pool.Put(await SuiteConnection.OpenAsync(target));
            }
        })
        .WithClean(_ => pool.ClearAsync())
        .WithoutWarmUp();
    }
}
