using NBomber.Contracts;
using NBomber.CSharp;

namespace Weir.LoadTest.Suite.Scenarios;

/// <summary>Connections that open and close again.</summary>
internal static class StormScenario
{
    private const string OpenStep = "open";
    private const string CloseStep = "close";

    public static SuiteScenario Definition { get; } = new("storm", static settings => [Load("storm", settings, settings.Rate)])
    {
        IsOfDefault = true,
    };

    /// <summary>The same as a companion.</summary>
    /// <param name="rate">Connections per second.</param>
    public static SuiteLoad Load(string name, SuiteSettings settings, int rate)
    {
        SuiteTarget target = settings.Target.At("/ws");
        ScenarioProps scenario = Scenario.Create(name, async context =>
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
            Simulation.RampingInject(rate: rate, interval: SuiteSettings.Second, during: settings.Ramp),
            Simulation.Inject(rate: rate, interval: SuiteSettings.Second, during: settings.During));
        return new SuiteLoad(name, OpenStep, scenario);
    }
}
