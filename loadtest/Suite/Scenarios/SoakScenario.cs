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
    private const string GrowthCode = "growth";

    public static SuiteScenario Definition { get; } = new("soak", static settings =>
    [
        Create(settings),
        FanoutScenario.Load("soak_rooms", settings, settings.Copies, SuiteSettings.Second * settings.Copies / settings.Rate),
        StormScenario.Load("soak_churn", settings, settings.Churn),
    ])
    {
        WatchesServer = true,
        RunsThroughFailures = true,
    };

    // The load is longer than the watch by the ramp of the others, and by the second within which the watch begins.
    private static SuiteLoad Create(SuiteSettings settings) => new(
        "soak",
        WatchStep,
        context => SuiteStep.RunAsync(WatchStep, context, () => WatchAsync(settings)),
        SuiteLoad.Once(settings.Ramp + settings.During));

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
                return Response.Fail(statusCode: "server-ended", message: "the server has ended");
            }

            samples.Add((Stopwatch.GetElapsedTime(began).TotalSeconds, server.ResidentBytes));
        }

        if (Growth.MegabytesPerHour(samples) is not { } growth)
        {
            return Response.Fail(statusCode: "too-short", message: "too short for a slope: --for is 3 s at least");
        }

        string closed = $"server memory grows by {growth:N1} MB per hour, by {samples.Count:N0} samples without the first fifth";
        return growth <= (settings.MaxGrowth ?? double.MaxValue)
            ? Response.Ok(statusCode: GrowthCode, message: closed)
            : Response.Fail(statusCode: GrowthCode, message: $"{closed}: above --max-growth {settings.MaxGrowth:N1}");
    }
}
