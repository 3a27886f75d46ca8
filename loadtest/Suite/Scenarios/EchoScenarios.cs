using NBomber.Contracts;
using NBomber.CSharp;
using Weir.LoadTest.Client;
using Weir.LoadTest.Protocols;

namespace Weir.LoadTest.Suite.Scenarios;

/// <summary>A message there and back on a connection that stays open: as fast as it goes, and by the clock.</summary>
internal static class EchoScenarios
{
    private const string EchoStep = "echo";

    public static SuiteScenario Closed { get; } = new("echo", CreateClosed) { IsOfDefault = true };

    public static SuiteScenario Open { get; } = new("echo_at_rate", CreateOpen) { IsOfDefault = true };

    private static SuiteLoad CreateClosed(SuiteSettings settings) => Create("echo", settings, settings.Ramped(
        ramp => Simulation.RampingConstant(copies: settings.Copies, during: ramp),
        Simulation.KeepConstant(copies: settings.Copies, during: settings.During)));

    private static SuiteLoad CreateOpen(SuiteSettings settings) => Create("echo_at_rate", settings, settings.Ramped(
        ramp => Simulation.RampingInject(rate: settings.Rate, interval: SuiteSettings.Second, during: ramp),
        Simulation.Inject(rate: settings.Rate, interval: SuiteSettings.Second, during: settings.During)));

    private static SuiteLoad Create(string name, SuiteSettings settings, IReadOnlyList<LoadSimulation> simulations)
    {
        SuiteTarget target = settings.Target.At("/echo");
        SuitePool<SuiteConnection> connections = new(_ => SuiteConnection.OpenAsync(target));
        byte[] frame = MaskedFrames.Make(ServerFrame.Text, RawProtocol.Padding(settings.PayloadBytes));

        return new SuiteLoad(
            name,
            EchoStep,
            context => connections.UseAsync(connection => SuiteStep.RunAsync(EchoStep, context, async () =>
            {
                await connection.SendAsync(frame);
                int received = await connection.ReceiveMessageAsync();
                return received == settings.PayloadBytes
                    ? Response.Ok(sizeBytes: received)
                    : Response.Fail(statusCode: "size", message: $"{received} bytes came back");
            })),
            simulations)
        {
            Init = () => connections.FillAsync(settings.Copies),
            Clean = connections.ClearAsync,
        };
    }
}
