using System.CommandLine;
using System.Runtime.InteropServices;
using Spectre.Console;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Reporting;
using Weir.LoadTest.Running;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Scenarios;

/// <summary>One run of a scenario, from the command line to the exit code; the report is written however it ends.</summary>
internal static class Session
{
    private const int Failed = 1;
    private const int BadOptions = 2;
    private const int Interrupted = 130;

    public static Task<int> RunAsync(Scenario scenario, ParseResult parsed)
    {
        IView view = Console.IsOutputRedirected
            || parsed.GetValue(CommonOptions.Plain) ? new PlainView(Console.Out) : new LiveView(AnsiConsole.Console);
        return RunAsync(scenario, parsed, view, static _ => { });
    }

    /// <param name="onOutcome">Is given the outcome, before the servers end.</param>
    public static async Task<int> RunAsync(Scenario scenario, ParseResult parsed, IView view, Action<Outcome> onOutcome)
    {
        WorkerPlan plan = scenario.Plan(parsed, CommonOptions.Plan(parsed));
        int processes = Math.Max(1, parsed.GetValue(CommonOptions.Processes));
        if (scenario.Problem(parsed, plan) is { } problem)
        {
            Console.Error.WriteLine(problem);
            return BadOptions;
        }

        List<LocalServer> servers = [];
        try
        {
            plan = await FindServersAsync(scenario, parsed, plan, servers);
            return await view.AroundAsync(() => PlayAsync(scenario, parsed, plan, processes, servers, view, onOutcome));
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException or FormatException)
        {
            Console.Error.WriteLine($"FAILED {error.Message}");
            return Failed;
        }
        finally
        {
            servers.ForEach(static server => server.Dispose());
        }
    }

    private static async Task<int> PlayAsync(
        Scenario scenario, ParseResult parsed, WorkerPlan plan, int processes, List<LocalServer> servers, IView view,
        Action<Outcome> onOutcome)
    {
        List<string> lines = [];
        void WriteLine(string line)
        {
            lines.Add(line);
            view.WriteLine(line);
        }

        WriteLine($"{scenario.Name}: {plan.Connections:N0} connections to {string.Join(' ', plan.Urls)}, {processes} client process{(processes == 1 ? "" : "es")}");
        DateTimeOffset started = TimeProvider.System.GetUtcNow();
        Conductor conductor = new([.. Enumerable.Range(0, processes).Select(each => plan.Share(each, processes))], servers, view);
        RunResult result = new(WriteLine);
        Stage stage = new(parsed, plan, conductor, result, WriteLine);
        string? broken = null;
        bool isInterrupted = false;
        void Interrupt(PosixSignalContext context)
        {
            context.Cancel = true; // so that the report gets written; a second one has no effect either
            conductor.Interrupt();
        }

        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        await using (conductor)
        {
            try
            {
                await scenario.PlayAsync(stage);
                Thresholds.Evaluate(parsed, result, stage.Outcome);
            }
            catch (OperationCanceledException)
            {
                isInterrupted = true;
                WriteLine("interrupted: what follows is what there was until then");
            }
            catch (InvalidOperationException error)
            {
                broken = error.Message; // out of descriptors, or a server that does not come up
                result.Require(false, broken);
            }
        }

        if (isInterrupted)
        {
            // Not evaluated: messages under way can't be distinguished from missing ones.
            stage.ReportMessages(conductor.Phase, conductor.Phase.Seconds);
        }

        onOutcome(stage.Outcome);
        int exitCode = isInterrupted ? Interrupted : result.Holds ? 0 : Failed;
        if (parsed.GetValue(CommonOptions.Report) is { } directory)
        {
            RunReport report = RunReport.Of(scenario.Name, parsed, started, conductor, stage, result, lines, isInterrupted, exitCode);
            report.WriteTo(directory);
            WriteLine($"report: {Path.GetFullPath(Path.Combine(directory, "report.html"))}");
        }

        return exitCode;
    }

    // Fills in ports and paths, and starts what is to be started.
    private static async Task<WorkerPlan> FindServersAsync(Scenario scenario, ParseResult parsed, WorkerPlan plan,
        List<LocalServer> servers)
    {
        List<Uri> urls = [.. plan.Urls];
        if (parsed.GetValue(CommonOptions.Server) is { } command)
        {
            for (int i = 0; i < scenario.Servers; i++)
            {
                Uri url = plan.Urls[Math.Min(i, plan.Urls.Count - 1)];
                servers.Add(LocalServer.Of(command, url.Port));
                urls = [.. urls.Take(i), new UriBuilder(url) { Port = servers[i].Port }.Uri];
                await servers[i].StartAsync();
            }
        }
        else if (urls.Exists(static url => url.Port == 0))
        {
            throw new ArgumentException("Either --url with a port, or --server.");
        }
        else if (parsed.GetValue(CommonOptions.ServerPid) is { } pid)
        {
            servers.Add(LocalServer.Running(pid));
        }

        string path = plan.IsCentrifugo ? "/connection/websocket" : scenario.RawPath;
        return plan with { Urls = [.. urls.Select(url => url.AbsolutePath == "/" ? new UriBuilder(url) { Path = path }.Uri : url)] };
    }
}
