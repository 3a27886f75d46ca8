extern alias suite;

using System.Net.Sockets;
using System.Security.Authentication;
using suite::NBomber.Contracts;
using suite::NBomber.Contracts.Stats;
using suite::NBomber.CSharp;
using suite::Weir.LoadTest.Suite;
using Xunit;

namespace Weir.LoadTest.Tests;

/// <summary>What the suite makes of failures, codes and sizes, on a runner that counts them as NBomber does.</summary>
public sealed class SuiteLoadTests
{
    private const int Iterations = 4;

    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Codes_OfAStep_AreCountedOnceInTheScenario()
    {
        ScenarioStats stats = Run(context => SuiteStep.RunAsync("step", context,
            static () => Task.FromResult(Response.Ok(statusCode: "200", sizeBytes: 10))));

        Assert.Equal(new StatusCodeStats("200", false, "", Iterations), Assert.Single(stats.Ok.StatusCodes));
        Assert.Equal(Iterations * 10, stats.Ok.DataTransfer.AllBytes);
    }

    [Fact]
    public void Failure_OfAStep_LeavesTheIterationItsCourse()
    {
        int after = 0;

        ScenarioStats stats = Run(async context =>
        {
            Response<object> step = await SuiteStep.RunAsync("step", context,
                static () => Task.FromResult(Response.Fail(statusCode: "size", message: "3 bytes came back")));
            Interlocked.Increment(ref after);
            return step;
        });

        Assert.Equal((Iterations, Iterations), (after, stats.Fail.Request.Count));
        Assert.Equal(new StatusCodeStats("size", true, "3 bytes came back", Iterations), Assert.Single(stats.Fail.StatusCodes));
    }

    [Fact]
    public void Failure_BetweenSteps_HasACode()
    {
        ScenarioStats stats = Run(static _ => throw new SocketException((int)SocketError.ConnectionRefused));

        StatusCodeStats code = Assert.Single(stats.Fail.StatusCodes);
        Assert.Equal(("ConnectionRefused", Iterations), (code.StatusCode, code.Count));
    }

    public static TheoryData<Exception, string> Failures => new()
    {
        { new ConnectionFailure("1009", "Closed: 1009 too slow"), "1009" },
        { new SocketException((int)SocketError.ConnectionReset), "ConnectionReset" },
        { new IOException("broken", new SocketException((int)SocketError.Shutdown)), "Shutdown" },
        { new IOException("broken"), "1006" },
        { new ObjectDisposedException("stream"), "1006" },
        { new AuthenticationException("untrusted"), "tls" },
        { new TimeoutException("late"), "timeout" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task Exception_OfAConnection_IsAFailureWithACode(Exception error, string code)
    {
        Response<object> response = await SuiteStep.CaughtAsync(() => throw error);

        Assert.Equal((true, code, error.Message), (response.IsError, response.StatusCode, response.Message));
    }

    [Fact]
    public async Task Exception_OfTheScenarioItself_IsTheRunners()
        => await Assert.ThrowsAsync<InvalidOperationException>(
            () => SuiteStep.CaughtAsync(static () => throw new InvalidOperationException()));

    [Fact]
    public void Once_OfALongLoad_BeginsWithinItsFirstSecond()
    {
        IReadOnlyList<LoadSimulation> once = SuiteLoad.Once(TimeSpan.FromHours(4));

        Assert.Equal(2, once.Count);
        Assert.Equal((LoadKind.Open, 1, _second, _second), (once[0].Kind, once[0].Target, once[0].Interval, once[0].During));
        Assert.Equal((LoadKind.None, TimeSpan.FromHours(4)), (once[1].Kind, once[1].During));
    }

    [Theory]
    [InlineData(2, 0)]
    [InlineData(4.9, 0)]
    [InlineData(5, 1)]
    [InlineData(20, 4)]
    public void Ramp_ShorterThanASecond_IsLeftOut(double duringSeconds, double rampSeconds)
    {
        SuiteSettings settings = SuiteSamples.Settings(TimeSpan.FromSeconds(duringSeconds));

        IReadOnlyList<LoadSimulation> loads = settings.Ramped(
            static ramp => Simulation.RampingConstant(copies: 1, during: ramp),
            Simulation.KeepConstant(copies: 1, during: settings.During));

        Assert.Equal(TimeSpan.FromSeconds(rampSeconds), settings.Ramp);
        Assert.Equal(rampSeconds > 0 ? [settings.Ramp, settings.During] : [settings.During], loads.Select(static each => each.During));
    }

    private static ScenarioStats Run(Func<IScenarioContext, Task<Response<object>>> iterate)
    {
        SuiteLoad load = new("load", "step", iterate, [Simulation.Inject(rate: Iterations, interval: _second, during: _second)]);
        return NBomberRunner.RegisterScenarios(load.Props(maxFailures: 100)).WithReportFormats().Run().GetScenarioStats("load");
    }
}
