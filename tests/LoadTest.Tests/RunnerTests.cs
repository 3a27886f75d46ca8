extern alias suite;

using suite::NBomber.Contracts;
using suite::NBomber.Contracts.Stats;
using suite::NBomber.CSharp;
using Xunit;

namespace Weir.LoadTest.Tests;

/// <summary>
/// The runner behind NBomber's API. The first test is written as for NBomber 4.1.2 or 5, with the names of
/// all parameters: it is there to be compiled as much as to be run.
/// </summary>
public sealed class RunnerTests : IDisposable
{
    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("weir-suite");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Api_AsNBomberHasIt_CompilesAndCounts()
    {
        List<string> order = [];
        ScenarioProps scenario = Scenario.Create("hello", async context =>
        {
            Response<object> first = await Step.Run("first", context, async () =>
            {
                await Task.Yield();
                return Response.Ok(statusCode: "200", sizeBytes: 10);
            });
            Response<string> second =
                await Step.Run("second", context, () => Task.FromResult(Response.Fail<string>(statusCode: "503", message: "busy")));
            return first.IsError || !second.IsError ? Response.Fail() : Response.Ok();
        })
        .WithInit(context =>
        {
            order.Add($"init of {context.TestInfo.TestName}");
            return Task.CompletedTask;
        })
        .WithClean(_ =>
        {
            order.Add("clean");
            return Task.CompletedTask;
        })
        .WithoutWarmUp()
        .WithRestartIterationOnFail(shouldRestart: false)
        .WithMaxFailCount(maxFailCount: 100)
        .WithLoadSimulations(
            Simulation.Inject(rate: 20, interval: TimeSpan.FromSeconds(1), during: TimeSpan.FromSeconds(1)),
            Simulation.Pause(during: TimeSpan.FromSeconds(1)),
            Simulation.RampingInject(rate: 20, interval: TimeSpan.FromMilliseconds(500), during: TimeSpan.FromSeconds(1)));

        NodeStats result = NBomberRunner
            .RegisterScenarios(scenario)
            .WithTestSuite("suite")
            .WithTestName("name")
            .WithReportFolder(_folder.FullName)
            .WithReportFormats(ReportFormat.Html, ReportFormat.Csv, ReportFormat.Md)
            .WithReportingInterval(TimeSpan.FromSeconds(5))
            .Run();

        StepStats ok = result.GetScenarioStats("hello").GetStepStats("first");
        StepStats failed = result.GetScenarioStats("hello").GetStepStats("second");
        Assert.Equal(20 + 10, ok.Ok.Request.Count); // after a pause, a ramp begins with 0, and its second half with half of its rate
        Assert.Equal(30 / 2.0, ok.Ok.Request.RPS, precision: 6); // a pause is no load
        Assert.Equal(30 * 10, result.GetScenarioStats("hello").Ok.DataTransfer.AllBytes);
        Assert.Equal((0, 0, 30), (ok.Fail.Request.Count, failed.Ok.Request.Count, failed.Fail.Request.Count));
        Assert.Equal(30, result.GetScenarioStats("hello").Ok.Request.Count);
        Assert.True(ok.Ok.Latency.Percent99 >= ok.Ok.Latency.Percent50 && ok.Ok.Latency.Percent50 > 0);
        Assert.Equal(["init of name", "clean"], order);
        Assert.Equal(["report.csv", "report.html", "report.md"], _folder.GetFiles().Select(static file => file.Name).Order());
        Assert.Contains("| hello | second | 0 | 0 | 30 |", File.ReadAllText(Path.Combine(_folder.FullName, "report.md")),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Inject_AnsweredLate_BeginsTheOthersAllTheSame()
    {
        TaskCompletionSource allHaveBegun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int begun = 0;

        ScenarioStats stats = Run(Scenario.Create("late", async _ =>
        {
            // No iteration continues before the last has begun: a closed loop would never get there.
            if (Interlocked.Increment(ref begun) == 20)
            {
                allHaveBegun.SetResult();
            }

            await allHaveBegun.Task.WaitAsync(TimeSpan.FromSeconds(25));
            return Response.Ok();
        })
        .WithLoadSimulations(Simulation.Inject(rate: 20, interval: _second, during: _second)));

        Assert.Equal(20, stats.Ok.Request.Count);
    }

    [Fact]
    public void KeepConstant_AnyTime_HasSoManyUnderWay()
    {
        Concurrency seen = new();

        ScenarioStats stats = Run(Scenario.Create("copies", seen.IterateAsync)
            .WithLoadSimulations(Simulation.KeepConstant(copies: 3, during: 2 * _second)));

        Assert.Equal(3, seen.Most);
        Assert.Equal(seen.Iterations, stats.Ok.Request.Count);
        Assert.Equal(stats.Ok.Request.Count / 2.0, stats.Ok.Request.RPS, precision: 6);
    }

    [Fact]
    public void RampingConstant_UpAndDown_EndsAtItsTarget()
    {
        Concurrency up = new();
        Concurrency down = new();

        Run(Scenario.Create("up", up.IterateAsync)
            .WithLoadSimulations(Simulation.RampingConstant(copies: 4, during: TimeSpan.FromSeconds(2))));
        Run(Scenario.Create("down", down.IterateAsync).WithLoadSimulations(
            Simulation.KeepConstant(copies: 4, during: 2 * _second),
            Simulation.RampingConstant(copies: 0, during: TimeSpan.FromSeconds(2))));

        Assert.InRange(up.Most, 1, 4);
        Assert.Equal(4, down.Most);
    }

    [Fact]
    public void Latency_OfASlowFew_IsInTheUpperPercentiles()
    {
        int number = -1;

        ScenarioStats stats = Run(Scenario.Create("slow", context => Whole(Step.Run("step", context, async () =>
        {
            if (Interlocked.Increment(ref number) % 5 == 0)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(400), TimeProvider.System);
            }

            return Response.Ok();
        })))
        .WithLoadSimulations(Simulation.Inject(rate: 20, interval: TimeSpan.FromSeconds(1), during: TimeSpan.FromSeconds(1))));

        LatencyStats latency = stats.GetStepStats("step").Ok.Latency;
        Assert.Equal(20, stats.Ok.Request.Count);
        Assert.True(latency.Percent95 >= 395 && latency.Percent99 >= 395 && latency.MaxMs >= 395, $"{latency}");
        Assert.True(latency.MinMs <= latency.Percent50 && latency.Percent50 <= latency.Percent75
            && latency.Percent75 <= latency.Percent95, $"{latency}");
        Assert.True(latency.Percent50 < latency.Percent99, $"{latency}");
    }

    [Fact]
    public void Exception_InAStepOrOutside_IsAFailureWithItsMessage()
    {
        ScenarioStats stats = Run(Scenario.Create("broken", async context =>
        {
            Response<object> step = await Step.Run<object>("step", context, static () => throw new InvalidOperationException("inside"));
            Assert.True(step.IsError);
            throw new InvalidOperationException("outside");
        })
        .WithRestartIterationOnFail(false)
        .WithLoadSimulations(Simulation.Inject(rate: 2, interval: _second, during: _second)));

        Assert.Equal(new StatusCodeStats("-101", true, "inside", 2), Assert.Single(stats.GetStepStats("step").Fail.StatusCodes));
        Assert.Equal(new StatusCodeStats("-101", true, "outside", 4), Assert.Single(stats.Fail.StatusCodes)); // with those of the step
    }

    [Fact]
    public void FailedStep_ByDefault_EndsTheIteration()
    {
        int after = 0;

        ScenarioStats stats = Run(Scenario.Create("restarted", async context =>
        {
            await Step.Run("step", context, static () => Task.FromResult(Response.Fail(statusCode: "503", message: "busy")));
            after++;
            return Response.Ok();
        })
        .WithLoadSimulations(Simulation.Inject(rate: 2, interval: _second, during: _second)));

        Assert.Equal((0, 2), (after, stats.Fail.Request.Count));
        Assert.Equal(new StatusCodeStats("503", true, "busy", 2), Assert.Single(stats.Fail.StatusCodes));
    }

    [Fact]
    public void MaxFailCount_Reached_EndsAllLoads()
    {
        ScenarioProps Endless(string name, Func<IResponse> respond) => Scenario.Create(name, async _ =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
            return respond();
        })
        .WithoutWarmUp()
        .WithMaxFailCount(3)
        .WithLoadSimulations(Simulation.KeepConstant(copies: 1, during: TimeSpan.FromHours(1)));

        NodeStats result = NBomberRunner
            .RegisterScenarios(Endless("fails", static () => Response.Fail()), Endless("works", static () => Response.Ok()))
            .WithReportFormats()
            .Run();

        Assert.True(result.GetScenarioStats("fails").Fail.Request.Count >= 3);
        Assert.True(result.Duration < TimeSpan.FromMinutes(30), $"{result.Duration}");
    }

    [Theory]
    [InlineData(1, 0.9)]
    [InlineData(2, 1)] // an interval that is longer than the load
    public void Load_ThatNBomberRefuses_IsRefused(double intervalSeconds, double seconds)
    {
        ScenarioProps scenario = Scenario.Create("short", static _ => Done()).WithLoadSimulations(
            Simulation.Inject(rate: 1, interval: TimeSpan.FromSeconds(intervalSeconds), during: TimeSpan.FromSeconds(seconds)));

        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => Run(scenario));

        Assert.StartsWith("short: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Scenarios_Registered_RunAtTheSameTime()
    {
        TaskCompletionSource both = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int here = 0;
        async Task<IResponse> MeetAsync(IScenarioContext context)
        {
            if (Interlocked.Increment(ref here) == 2)
            {
                both.SetResult();
            }

            await both.Task.WaitAsync(TimeSpan.FromSeconds(25));
            return Response.Ok();
        }

        LoadSimulation once = Simulation.Inject(rate: 1, interval: _second, during: _second);

        NodeStats result = NBomberRunner
            .RegisterScenarios(
                Scenario.Create("one", MeetAsync).WithoutWarmUp().WithLoadSimulations(once),
                Scenario.Create("other", MeetAsync).WithoutWarmUp().WithLoadSimulations(once))
            .WithReportFormats()
            .Run();

        Assert.Equal((1, 1), (result.GetScenarioStats("one").Ok.Request.Count, result.GetScenarioStats("other").Ok.Request.Count));
        Assert.Throws<KeyNotFoundException>(() => result.GetScenarioStats("none"));
    }

    [Fact]
    public void Scenarios_Registered_AreInitializedBeforeAnyLoadAndCleanedAfterAll()
    {
        List<string> order = [];
        ScenarioProps Note(string name, TimeSpan during) => Scenario.Create(name, async _ =>
        {
            await Task.Delay(during, TimeProvider.System);
            await Add($"load {name}");
            return Response.Ok();
        })
        .WithInit(_ => Add($"init {name}"))
        .WithClean(_ => Add($"clean {name}"))
        .WithoutWarmUp()
        .WithLoadSimulations(Simulation.Inject(rate: 1, interval: _second, during: _second));
        Task Add(string what)
        {
            lock (order)
            {
                order.Add(what);
            }

            return Task.CompletedTask;
        }

        NBomberRunner
            .RegisterScenarios(Note("short", TimeSpan.Zero), Note("long", TimeSpan.FromSeconds(2)))
            .WithReportFormats()
            .Run();

        Assert.Equal(["init short", "init long", "load short", "load long", "clean short", "clean long"], order);
    }

    private static ScenarioStats Run(ScenarioProps scenario)
        => NBomberRunner.RegisterScenarios(scenario.WithoutWarmUp()).WithReportFormats().Run().GetScenarioStats(scenario.ScenarioName);

    private static Task<IResponse> Done() => Task.FromResult<IResponse>(Response.Ok());

    private static async Task<IResponse> Whole(Task<Response<object>> step) => await step;

    private sealed class Concurrency
    {
        private readonly Lock _gate = new();
        private int _now;

        public int Most { get; private set; }

        public int Iterations { get; private set; }

        public async Task<IResponse> IterateAsync(IScenarioContext context)
        {
            lock (_gate)
            {
                Iterations++;
                Most = Math.Max(Most, ++_now);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
            lock (_gate)
            {
                _now--;
            }

            return Response.Ok();
        }
    }
}
