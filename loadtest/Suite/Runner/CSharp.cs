using NBomber.Contracts;
using NBomber.Contracts.Stats;
using Weir.LoadTest.Suite.Runner;

namespace NBomber.CSharp;

public static class Response
{
    public static Response<object> Ok() => new("", false, 0, "", null);

    public static Response<object> Ok(string statusCode = "", long sizeBytes = 0, string message = "")
        => new(statusCode, false, sizeBytes, message, null);

    public static Response<T> Ok<T>(T payload, string statusCode = "", long sizeBytes = 0, string message = "")
        => new(statusCode, false, sizeBytes, message, payload);

    public static Response<object> Fail() => new("", true, 0, "", null);

    public static Response<object> Fail(string statusCode = "", string message = "", long sizeBytes = 0)
        => new(statusCode, true, sizeBytes, message, null);

    public static Response<T> Fail<T>(string statusCode = "", string message = "", long sizeBytes = 0)
        => new(statusCode, true, sizeBytes, message, default);
}

public static class Step
{
    /// <summary>
    /// Runs a part of an iteration and counts it by its name. An exception makes it a failure, with status code -101. A failure ends the
    /// iteration, by an exception, unless <see cref="Scenario.WithRestartIterationOnFail"/> is false.
    /// </summary>
    public static async Task<Response<T>> Run<T>(string name, IScenarioContext context, Func<Task<Response<T>>> run)
    {
        IterationContext iteration = (IterationContext)context;
        Response<T> response = await iteration.Recorder.StepAsync(name, run);
        return response.IsError && iteration.RestartsOnFail ? throw new RestartIteration() : response;
    }
}

public static class Scenario
{
    public static ScenarioProps Create(string name, Func<IScenarioContext, Task<IResponse>> run) => new(name, run);

    /// <summary>Awaited before the load begins, and that of any other scenario.</summary>
    public static ScenarioProps WithInit(this ScenarioProps scenario, Func<IScenarioInitContext, Task> initFunc)
        => scenario with { Init = initFunc };

    /// <summary>Awaited when all loads are over, whatever their results.</summary>
    public static ScenarioProps WithClean(this ScenarioProps scenario, Func<IScenarioInitContext, Task> cleanFunc)
        => scenario with { Clean = cleanFunc };

    public static ScenarioProps WithoutWarmUp(this ScenarioProps scenario) => scenario with { WarmUp = TimeSpan.Zero };

    public static ScenarioProps WithRestartIterationOnFail(this ScenarioProps scenario, bool shouldRestart)
        => scenario with { RestartsIterationOnFail = shouldRestart };

    /// <summary>The loads of all scenarios end when so many iterations of this one have failed; checked when an interval begins.</summary>
    public static ScenarioProps WithMaxFailCount(this ScenarioProps scenario, int maxFailCount)
        => scenario with { MaxFailCount = maxFailCount };

    /// <summary>One after another, each 1 s at least.</summary>
    public static ScenarioProps WithLoadSimulations(this ScenarioProps scenario, params LoadSimulation[] loadSimulations)
        => scenario with { LoadSimulations = loadSimulations };
}

public static class Simulation
{
    /// <summary>Begins so many iterations in each interval, at random times within it, without waiting for earlier ones.</summary>
    public static LoadSimulation Inject(int rate, TimeSpan interval, TimeSpan during) => new(LoadKind.Open, false, rate, interval, during);

    /// <summary>The same at a rate that changes evenly with each interval, from the last one (at first 0) to this.</summary>
    public static LoadSimulation RampingInject(int rate, TimeSpan interval, TimeSpan during)
        => new(LoadKind.Open, true, rate, interval, during);

    /// <summary>So many copies iterate, each as fast as it can. They begin at random times within the first second.</summary>
    public static LoadSimulation KeepConstant(int copies, TimeSpan during) => new(LoadKind.Closed, false, copies, TimeSpan.Zero, during);

    /// <summary>The same with a number of copies that changes evenly with each second, from the last one (at first 0) to this.</summary>
    public static LoadSimulation RampingConstant(int copies, TimeSpan during) => new(LoadKind.Closed, true, copies, TimeSpan.Zero, during);

    /// <summary>No iteration begins.</summary>
    public static LoadSimulation Pause(TimeSpan during) => new(LoadKind.None, false, 0, TimeSpan.Zero, during);
}

public static class NBomberRunner
{
    /// <summary>They will run at the same time.</summary>
    public static NBomberContext RegisterScenarios(params ScenarioProps[] scenarios) => new(scenarios);

    public static NBomberContext WithTestSuite(this NBomberContext context, string testSuite)
        => context with { TestInfo = context.TestInfo with { TestSuite = testSuite } };

    public static NBomberContext WithTestName(this NBomberContext context, string testName)
        => context with { TestInfo = context.TestInfo with { TestName = testName } };

    public static NBomberContext WithReportFolder(this NBomberContext context, string reportFolderPath)
        => context with { ReportFolder = reportFolderPath };

    /// <summary>None: no report.</summary>
    public static NBomberContext WithReportFormats(this NBomberContext context, params ReportFormat[] reportFormats)
        => context with { ReportFormats = reportFormats };

    /// <summary>How often a line is written, and a point put into the plots; 5 s at least.</summary>
    public static NBomberContext WithReportingInterval(this NBomberContext context, TimeSpan interval)
        => context with { ReportingInterval = interval };

    /// <summary>Runs all, and writes the reports. Not from a thread that has a synchronization context.</summary>
    /// <exception cref="InvalidOperationException">A load that NBomber would refuse.</exception>
    public static NodeStats Run(this NBomberContext context)
    {
        using SuiteRun run = new(context);
        return run.RunAsync().GetAwaiter().GetResult();
    }
}
