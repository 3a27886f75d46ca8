using System.Diagnostics;
using NBomber.Contracts;
using NBomber.CSharp;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Running;

namespace Weir.LoadTest.Suite.Scenarios;

/// <summary>Hours of ordinary life, with rooms and with clients that come and go: does the server's memory grow?</summary>
internal static class SoakScenario
{
    private const string WatchStep = "watch";

    public static SuiteScenario Definition { get; } = new("soak", static settings =>
    [
        new SuiteLoad("soak", WatchStep, Create(settings)),
        FanoutScenario.Load("soak_rooms", settings, settings.Copies, SuiteSettings.Second * settings.Copies / settings.Rate),
        StormScenario.Load("soak_churn", settings, settings.Churn),
    ])
    {
        WatchesServer = true,
    };

    private static ScenarioProps Create(SuiteSettings settings)
    {
        TimeSpan whole = settings.Ramp + settings.During; // for a runner that ends what is under way when the time is up
        return Scenario.Create("soak", async context => await Step.Run(WatchStep, context, () => WatchAsync(settings)))
            .WithoutWarmUp()
            .WithLoadSimulations(SuiteLoad.Once(whole));
    }

    private static async Task<Response<object>> WatchAsync(SuiteSettings settings)
    {
        LocalServer server = settings.Server!;
        List<(double Seconds, long Bytes)> samples = [];
        using PeriodicTimer seconds = new(SuiteSettings.Second, TimeProvider.System);
        long began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < settings.During)
        {
            await seconds.WaitForNextTickAsync();
            if (server.HasEnded)
            {
                return Response.Fail(message: "the server has ended");
            }

            samples.Add((Stopwatch.GetElapsedTime(began).TotalSeconds, server.ResidentBytes));
        }

        if (Growth.MegabytesPerHour(samples) is not { } growth)
        {
            return Response.Fail(message: "too short for a slope: --for is 3 s at least");
        }

        string closed = $"server memory grows by {growth:N1} MB per hour, by {samples.Count:N0} samples without the first fifth";
        return growth <= (settings.MaxGrowth ?? double.MaxValue)
            ? Response.Ok(message: closed)
            : Response.Fail(message: $"{closed}: above --max-growth {settings.MaxGrowth:N1}");
    }
}
