extern alias suite;

using suite::NBomber.Contracts;
using suite::NBomber.Contracts.Stats;
using suite::NBomber.CSharp;
using suite::Weir.LoadTest.Suite;
using Xunit;

namespace Weir.LoadTest.Tests;

/// <summary>Connections of a pool under iterations that fail: by a response, or by an exception through the iteration.</summary>
public sealed class SuitePoolTests
{
    private const int Clients = 20;

    private int _open;
    private int _most;

    [Theory]
    [InlineData(true)] // NBomber's default: a failed step throws
    [InlineData(false)]
    public async Task Use_EveryStepFails_HoldsAsManyAsThereAreClients(bool restarts)
    {
        SuitePool<Counted> pool = new(OpenAsync);
        await pool.FillAsync(Clients);
        ScenarioProps scenario = Scenario
            .Create("fails", async context => await pool.UseAsync(_ => Step.Run("step", context, static async () =>
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
                return Response.Fail(statusCode: "1006", message: "lost");
            })))
            .WithoutWarmUp()
            .WithRestartIterationOnFail(restarts)
            .WithLoadSimulations(Simulation.KeepConstant(copies: Clients, during: TimeSpan.FromSeconds(2)));

        ScenarioStats stats = NBomberRunner.RegisterScenarios(scenario).WithReportFormats().Run().GetScenarioStats("fails");
        await pool.ClearAsync();

        Assert.True(stats.Fail.Request.Count > 2 * Clients, $"{stats.Fail.Request.Count} failures");
        Assert.Equal(Clients, _most);
        Assert.Equal(0, _open);
    }

    [Fact]
    public async Task Clear_IterationInProgress_DisposesItsItemWhenItEnds()
    {
        SuitePool<Counted> pool = new(OpenAsync);
        TaskCompletionSource<Response<object>> iteration = new();
        Task use = pool.UseAsync(_ => iteration.Task);

        await pool.ClearAsync();
        Assert.Equal(1, _open);

        iteration.SetResult(Response.Ok());
        await use;
        Assert.Equal(0, _open);
    }

    private Task<Counted> OpenAsync(int number)
    {
        int open = Interlocked.Increment(ref _open);
        for (int most = _most; open > most; most = _most)
        {
            Interlocked.CompareExchange(ref _most, open, most);
        }

        return Task.FromResult(new Counted(this));
    }

    private sealed class Counted(SuitePoolTests test) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            Interlocked.Decrement(ref test._open);
            return ValueTask.CompletedTask;
        }
    }
}
