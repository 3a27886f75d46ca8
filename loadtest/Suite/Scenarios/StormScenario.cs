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
        return new SuiteLoad(
            name,
            OpenStep,
            async context =>
            {
                SuiteConnection? connection = null;
                Response<object> open = await SuiteStep.RunAsync(OpenStep, context, async () =>
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
                    return await SuiteStep.RunAsync(CloseStep, context, async () =>
                    {
                        await connection.CloseAsync();
                        return Response.Ok();
                    });
                }
            },
            settings.Ramped(
                ramp => Simulation.RampingInject(rate: rate, interval: SuiteSettings.Second, during: ramp),
                Simulation.Inject(rate: rate, interval: SuiteSettings.Second, during: settings.During)));
    }
}
