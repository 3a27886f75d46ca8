using System.CommandLine;
using NBomber.Contracts.Stats;
using NBomber.CSharp;
using Weir.LoadTest.Suite;
using Weir.LoadTest.Suite.Scenarios;

using SuiteServers servers = new();
RootCommand root = new("Scenarios for NBomber's API. The exit code is 0 when nothing failed and every demand was met.");
foreach (Option option in SuiteOptions.All)
{
    root.Add(option);
}

SuiteOptions.Scenarios.AcceptOnlyFromAmong([.. Catalog.All.Select(static each => each.Name)]);
root.SetAction((parsed, _) => Task.Run(() => RunAsync(parsed, servers))); // asynchronous, so that Ctrl-C returns here, where servers end
return await root.Parse(args).InvokeAsync();

static async Task<int> RunAsync(ParseResult parsed, SuiteServers servers)
{
    string[] names = parsed.GetRequiredValue(SuiteOptions.Scenarios);
    SuiteScenario[] chosen = [.. Catalog.All.Where(each => names.Contains(each.Name))];
    if (SuiteOptions.Problem(parsed, chosen) is { } problem)
    {
        Console.Error.WriteLine(problem);
        return 2;
    }

    string named = parsed.GetRequiredValue(SuiteOptions.ReportFolder);
    string folder = SuiteSession.ReportFolder(named, TimeProvider.System, Environment.ProcessId);
    SuiteLoad[] loads;
    NodeStats result;
    try
    {
        SuiteSettings settings = await SuiteOptions.SettingsAsync(parsed, chosen, servers);
        loads = [.. chosen.SelectMany(each => each.Create(settings))];
        int maxFailures = SuiteOptions.MaxFailures(parsed, chosen);
        result = await SuiteSession.RunAsync(loads, () => NBomberRunner
            .RegisterScenarios([.. loads.Select(each => each.Props(maxFailures))])
            .WithTestSuite("weir")
            .WithTestName(string.Join('-', names))
            .WithReportFolder(folder)
            .WithReportFormats(ReportFormat.Html, ReportFormat.Csv, ReportFormat.Md)
            .WithReportingInterval(TimeSpan.FromSeconds(5))
            .Run());
    }
    catch (Exception error) // no server, or one that does not accept all connections; and NBomber refuses a load with a plain Exception
    {
        Console.Error.WriteLine($"FAILED {error.Message.ReplaceLineEndings(" ")}");
        return 1;
    }

    bool[] holds = [.. loads.Select(each => Holds(each, result.GetScenarioStats(each.Name), parsed.GetValue(SuiteOptions.MaxP99)))];
    Console.WriteLine($"reports in {folder}");
    return Array.TrueForAll(holds, static each => each) ? 0 : 1;
}

static bool Holds(SuiteLoad load, ScenarioStats stats, double maxP99)
{
    StepStats? step = stats.StepStats.FirstOrDefault(each => each.StepName == load.Step); // none: it was never run
    int count = step?.Ok.Request.Count ?? 0;
    double p99 = step?.Ok.Latency.Percent99 ?? 0;
    int failed = stats.Fail.Request.Count;
    bool holds = count > 0 && failed == 0 && (maxP99 == 0 || p99 <= maxP99);
    Console.WriteLine($"{(holds ? "ok    " : "FAILED")} {load.Name}: {count:N0} x {load.Step}, {step?.Ok.Request.RPS ?? 0:N0}/s, p99 {p99:N2} ms, {failed:N0} failed");
    // The scenario's own list is the sum of its steps' codes, and of those of failures between steps.
    foreach (StatusCodeStats each in stats.Ok.StatusCodes.Concat(stats.Fail.StatusCodes).Where(static each => each.Message.Length > 0)
        .Take(20))
    {
        Console.WriteLine($"  {each.Count:N0} x {each.StatusCode} {each.Message}");
    }

    return holds;
}
