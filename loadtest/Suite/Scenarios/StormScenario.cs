using NBomber.Contracts;
using NBomber.CSharp;

namespace Weir.LoadTest.Suite.Scenarios;

/// <summary>Connections that open and close again.</summary>
internal static class StormScenario
{
    public const string Name = "storm";
    public const string OpenStep = "open";
    public const string CloseStep = "close";

    public static ScenarioProps Create(SuiteSettings settings)
    {
        SuiteTarget target = settings.Target.At("/ws");
        return Scenario.Create(Name, async context =>
        {
            SuiteConnection? connection = null;
            Response<object> open = await Step.Run(OpenStep, context, async () =>
            {
                connection = await SuiteConnection.OpenAsync(target, "storm");
                return Response.Ok();
            });
            if (connection is null)
            {
                return open;
            }

            await using (connection)
            {
                return await Step.Run(CloseStep, context, async () =>
                {
                    await connection.CloseAsync();
                    return Response.Ok();
                });
            }
        })
        .WithoutWarmUp()
        .WithLoadSimulations(
            Simulation.RampingInject(rate: settings.Rate, interval: SuiteSettings.Second, during: settings.Ramp),
            Simulation.Inject(rate: settings.Rate, interval: SuiteSettings.Second, during: settings.During));
    }
}
