using System.CommandLine;
using NBomber.Contracts;
using NBomber.Contracts.Stats;
using NBomber.CSharp;
using Weir.LoadTest.Suite;
using Weir.LoadTest.Suite.Scenarios;

Dictionary<string, (Func<SuiteSettings, ScenarioProps> Create, string Name, string Step)> known = new()
{
    [EchoScenarios.Closed] = (EchoScenarios.CreateClosed, EchoScenarios.Closed, EchoScenarios.EchoStep),
    [EchoScenarios.Open] = (EchoScenarios.CreateOpen, EchoScenarios.Open, EchoScenarios.EchoStep),
    [StormScenario.Name] = (StormScenario.Create, StormScenario.Name, StormScenario.OpenStep),
    [FanoutScenario.Name] = (FanoutScenario.Create, FanoutScenario.Name, FanoutScenario.RoundStep),
    [RefusalScenario.Name] = (RefusalScenario.Create, RefusalScenario.Name, RefusalScenario.RefuseStep),
};

Option<Uri> url = new("--url") { Description = "ws:// or wss:// address of the server, without a path", Required = true, CustomParser = static result => new Uri(result.Tokens[0].Value) };
Option<bool> insecure = new("--insecure") { Description = "wss: take any certificate" };
Option<string[]> scenarios = new("--scenario") { Description = "Which; all that are named run at the same time", DefaultValueFactory = _ => [.. known.Keys], AllowMultipleArgumentsPerToken = true };
scenarios.AcceptOnlyFromAmong([.. known.Keys]);
Option<int> copies = new("--copies") { Description = "Copies of closed loads", DefaultValueFactory = static _ => 20 };
Option<int> rate = new("--rate") { Description = "Iterations per second of open loads", DefaultValueFactory = static _ => 200 };
Option<double> seconds = new("--for") { Description = "Seconds of each load", DefaultValueFactory = static _ => 10 };
Option<int> payload = new("--payload-bytes") { Description = "Of each message", DefaultValueFactory = static _ => 125 };
Option<int> members = new("--members") { Description = "Of a room", DefaultValueFactory = static _ => 50 };
Option<string> folder = new("--report-folder") { Description = "For report.html, .csv and .md", DefaultValueFactory = static _ => "reports" };
Option<double> maxP99 = new("--max-p99-ms") { Description = "Fails when the 99th percentile of a step is above; 0: any" };

RootCommand root = new("Scenarios for NBomber's API. The exit code is 0 when nothing failed and every demand was met.")
{
    url, insecure, scenarios, copies, rate, seconds, payload, members, folder, maxP99,
};
root.SetAction(parsed =>
{
    SuiteSettings settings = new(
        new SuiteTarget(parsed.GetRequiredValue(url), parsed.GetValue(insecure)), parsed.GetValue(copies), parsed.GetValue(rate),
        TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(payload), parsed.GetValue(members));
    string[] chosen = parsed.GetRequiredValue(scenarios);

    NodeStats result = NBomberRunner
        .RegisterScenarios([.. chosen.Select(each => known[each].Create(settings))])
        .WithTestSuite("weir")
        .WithTestName(string.Join('-', chosen))
        .WithReportFolder(parsed.GetRequiredValue(folder))
        .WithReportFormats(ReportFormat.Html, ReportFormat.Csv, ReportFormat.Md)
        .WithReportingInterval(TimeSpan.FromSeconds(5))
        .Run();

    int exitCode = 0;
    foreach (string each in chosen)
    {
        ScenarioStats scenario = result.GetScenarioStats(known[each].Name);
        MeasurementStats ok = scenario.GetStepStats(known[each].Step).Ok;
        bool holds = ok.Request.Count > 0
            && scenario.Fail.Request.Count == 0
            && (parsed.GetValue(maxP99) == 0 || ok.Latency.Percent99 <= parsed.GetValue(maxP99));
        Console.WriteLine(
            $"{(holds ? "ok    " : "FAILED")} {each}: {ok.Request.Count:N0} x {known[each].Step}, {ok.Request.RPS:N0}/s, p99 {ok.Latency.Percent99:N2} ms, {scenario.Fail.Request.Count:N0} failed");
        exitCode = holds ? exitCode : 1;
    }

    return exitCode;
});
return root.Parse(args).Invoke();
