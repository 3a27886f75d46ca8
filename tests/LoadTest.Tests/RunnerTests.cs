using System.Diagnostics;
using NBomber.Contracts;
using NBomber.Contracts.Stats;
using NBomber.CSharp;
using Xunit;

namespace Weir.LoadTest.Tests;

/// <summary>
/// The runner behind NBomber's API. The first test is written as for NBomber 4.1.2 or 5, with the names of
/// all parameters: it is there to be compiled as much as to be run.
/// </summary>
public sealed class RunnerTests : IDisposable
{
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
        .WithLoadSimulations(
            Simulation.Inject(rate: 20, interval: TimeSpan.FromSeconds(1), during: TimeSpan.FromSeconds(1)),
            Simulation.RampingInject(rate: 20, interval: TimeSpan.FromSeconds(1), during: TimeSpan.FromMilliseconds(500)));

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
        Assert.Equal(20 + 10, ok.Ok.Request.Count); // the ramp continues from 20 to 20
        Assert.Equal(30 / 1.5, ok.Ok.Request.RPS, precision: 6);
        Assert.Equal((0, 0, 30), (ok.Fail.Request.Count, failed.Ok.Request.Count, failed.Fail.Request.Count));
        Assert.Equal(30, result.GetScenarioStats("hello").Ok.Request.Count);
        Assert.True(ok.Ok.Latency.Percent99 >= ok.Ok.Latency.Percent50 && ok.Ok.Latency.Percent50 > 0);
        Assert.Equal(["init of name", "clean"], order);
        Assert.Equal(["report.csv", "report.html", "report.md"], _folder.GetFiles().Select(static file => file.Name).Order());
        Assert.Contains("| hello | second | 0 | 0 | 30 |", File.ReadAllText(Path.Combine(_folder.FullName, "report.md")),
            StringComparison.Ordinal);
    }

    [Fact]
    public void RampingInject_FromNothing_BeginsSlowly()
    {
        long began = 0;
        int early = 0;
        int all = 0;
        TimeSpan during = TimeSpan.FromSeconds(2);
        Run(Scenario.Create("ramp", _ =>
        {
            Interlocked.Increment(ref all);
            if (Stopwatch.GetElapsedTime(began) < during / 2)
            {
                Interlocked.Increment(ref early);
            }

            return Done();
        })
        .WithInit(_ =>
        {
            began = Stopwatch.GetTimestamp();
            return Task.CompletedTask;
        })
        .WithLoadSimulations(Simulation.RampingInject(rate: 40, interval: TimeSpan.FromSeconds(1), during: during)));

        Assert.Equal(40, all); // half of 40 a second, for two seconds
        Assert.InRange(early, 0, 11); // a quarter of them in the first half; fewer where the machine was late
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
        .WithLoadSimulations(Simulation.Inject(rate: 20, interval: TimeSpan.FromMilliseconds(500),
            during: TimeSpan.FromMilliseconds(500))));

        Assert.Equal(20, stats.Ok.Request.Count);
    }

    [Fact]
    public void KeepConstant_AnyTime_HasSoManyUnderWay()
    {
        Concurrency seen = new();

        ScenarioStats stats = Run(Scenario.Create("copies", seen.IterateAsync)
            .WithLoadSimulations(Simulation.KeepConstant(copies: 3, during: TimeSpan.FromSeconds(1))));

        Assert.Equal(3, seen.Most);
        Assert.Equal(seen.Iterations, stats.Ok.Request.Count);
        Assert.Equal(stats.Ok.Request.Count, stats.Ok.Request.RPS, precision: 6); // of one second
    }

    [Fact]
    public void RampingConstant_UpAndDown_EndsAtItsTarget()
    {
        Concurrency up = new();
        Concurrency down = new();

        Run(Scenario.Create("up", up.IterateAsync)
            .WithLoadSimulations(Simulation.RampingConstant(copies: 4, during: TimeSpan.FromSeconds(2))));
        Run(Scenario.Create("down", down.IterateAsync).WithLoadSimulations(
            Simulation.KeepConstant(copies: 4, during: TimeSpan.FromMilliseconds(500)),
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
        .WithLoadSimulations(Simulation.Inject(rate: 2, interval: TimeSpan.FromMilliseconds(100), during: TimeSpan.FromMilliseconds(100))));

        Assert.Equal(new StatusCodeStats("-101", true, "inside", 2), Assert.Single(stats.GetStepStats("step").Fail.StatusCodes));
        Assert.Equal(new StatusCodeStats("-101", true, "outside", 2), Assert.Single(stats.Fail.StatusCodes));
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

        LoadSimulation once = Simulation.Inject(rate: 1, interval: TimeSpan.FromMilliseconds(100), during: TimeSpan.FromMilliseconds(100));

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
        .WithLoadSimulations(Simulation.Inject(rate: 1, interval: TimeSpan.FromMilliseconds(100), during: TimeSpan.FromMilliseconds(100)));
        Task Add(string what)
        {
            lock (order)
            {
                order.Add(what);
            }

            return Task.CompletedTask;
        }

        NBomberRunner
            .RegisterScenarios(Note("short", TimeSpan.Zero), Note("long", TimeSpan.FromMilliseconds(400)))
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
