extern alias suite;

using System.CommandLine;
using Microsoft.Extensions.Time.Testing;
using suite::NBomber.CSharp;
using suite::Weir.LoadTest.Suite;
using suite::Weir.LoadTest.Suite.Scenarios;
using Xunit;

namespace Weir.LoadTest.Tests;

/// <summary>What is around a run of the suite: inits and cleans, its report folder, its options.</summary>
public sealed class SuiteSessionTests
{
    [Fact]
    public async Task Init_Fails_RunsNothingAndCleansAll()
    {
        List<string> order = [];
        SuiteLoad Load(string name, Exception? error = null) => new(name, "step", static _ => Task.FromResult(Response.Ok()), [])
        {
            Init = () =>
            {
                order.Add($"init {name}");
                return error is null ? Task.CompletedTask : Task.FromException(error);
            },
            Clean = () =>
            {
                order.Add($"clean {name}");
                return Task.CompletedTask;
            },
        };

        IOException error = await Assert.ThrowsAsync<IOException>(() => SuiteSession.RunAsync(
            [Load("first"), Load("second", new IOException("no server")), Load("third")], () => order.Remove("init first")));

        Assert.Equal("no server", error.Message);
        Assert.Equal(["init first", "init second", "clean first", "clean second", "clean third"], order);
    }

    [Fact]
    public void ReportFolder_OfTwoRuns_IsEachItsOwnBelowTheOneNamed()
    {
        FakeTimeProvider time = new(new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero));

        string first = SuiteSession.ReportFolder("out", time, process: 10);
        string beside = SuiteSession.ReportFolder("out", time, process: 11);
        time.Advance(TimeSpan.FromSeconds(1));
        string later = SuiteSession.ReportFolder("out", time, process: 10);

        Assert.Equal(Path.Combine("out", "2026-03-04-050607-10"), first);
        Assert.Equal(3, new[] { first, beside, later }.Distinct().Count());
    }

    [Theory]
    [InlineData("--scenario echo fanout", 5000)]
    [InlineData("--scenario echo soak", int.MaxValue)]
    [InlineData("--scenario reconnect", int.MaxValue)]
    [InlineData("--scenario soak --max-failures 7", 7)]
    [InlineData("--scenario echo --max-failures 0", int.MaxValue)]
    public void MaxFailures_OfScenarios_IsOfTheOneThatRunsThroughThem(string options, int expected)
    {
        RootCommand root = [.. SuiteOptions.All];
        ParseResult parsed = root.Parse(options.Split(' '));
        string[] names = parsed.GetRequiredValue(SuiteOptions.Scenarios);

        Assert.Equal(expected, SuiteOptions.MaxFailures(parsed, [.. Catalog.All.Where(each => names.Contains(each.Name))]));
    }
}
