using NBomber.Contracts;
using NBomber.CSharp;
using Weir.LoadTest.Client;
using Weir.LoadTest.Running;

namespace Weir.LoadTest.Suite;

/// <summary>
/// Servers, and clients of theirs that reconnect when they are lost: one load. Its companion does to the servers what the scenario
/// is about.
/// </summary>
/// <param name="servers">How many.</param>
/// <param name="code">The close code that clients must receive; <see cref="ConnectionEnd.NoCloseFrame"/>: no close frame.</param>
internal sealed class ReturningClients(string name, SuiteSettings settings, int servers, int code)
{
    private const string AwayStep = "away";

    // Copies without a further wait must not spin.
    private static readonly TimeSpan _shortestIteration = TimeSpan.FromSeconds(1);

    // Copies begin within a second of each other.
    private static readonly TimeSpan _watchedLimit = TimeSpan.FromSeconds(5);

    // No client will be lost any more.
    private readonly TaskCompletionSource _isOver = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _areAllWatched = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _areAllReconnected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<LocalServer> _servers = [];
    private int _watched;
    private int _returned;

    /// <summary>Started by the load's init.</summary>
    public IReadOnlyList<LocalServer> Servers => _servers;

    /// <summary>Completed when all have reconnected.</summary>
    public Task AreAllReconnected => _areAllReconnected.Task;

    public SuiteLoad Load()
    {
        SuiteTarget target = settings.Target.At("/ws");
        List<SuiteTarget> targets = [];
        SuitePool<ReturningClient> clients = new(number => ReturningClient.OpenAsync(targets, number));

        return new SuiteLoad(
            name,
            AwayStep,
            context => clients.UseAsync(client => IterateAsync(context, client)),
            [Simulation.KeepConstant(copies: settings.Connections, during: settings.During)])
        {
            Init = async () =>
            {
                while (_servers.Count < servers)
                {
                    _servers.Add(await settings.Servers.StartAsync());
                    targets.Add(target.At(_servers[^1].Port));
                }

                await clients.FillAsync(settings.Connections);
            },
            Clean = () =>
            {
                _isOver.TrySetResult();
                return clients.ClearAsync();
            },
        };
    }

    /// <param name="run">Once; when it is over, no client will be lost any more.</param>
    public SuiteLoad Companion(string companion, string step, Func<IScenarioContext, Task<Response<object>>> run)
        => new(
            companion,
            step,
            async context =>
            {
                try
                {
                    // Else a client whose copy begins later has a shorter time of being away.
                    await Task.WhenAny(_areAllWatched.Task, Task.Delay(_watchedLimit, TimeProvider.System));
                    return await run(context);
                }
                finally
                {
                    _isOver.TrySetResult();
                }
            },
            SuiteLoad.Once(settings.During));

    // Until the client is lost and back, or will not be lost any more.
    private async Task<Response<object>> IterateAsync(IScenarioContext context, ReturningClient client)
    {
        if (Interlocked.Increment(ref _watched) == settings.Connections)
        {
            _areAllWatched.TrySetResult(); // no iteration ends before the companion has run
        }

        Task rest = Task.WhenAll(_isOver.Task, Task.Delay(_shortestIteration, TimeProvider.System));
        if (await Task.WhenAny(client.End, rest) == rest)
        {
            return Response.Ok();
        }

        ConnectionEnd end = await client.End;
        return await SuiteStep.RunAsync(AwayStep, context, async () =>
        {
            if (!await client.TryReturnAsync(settings.Backoff, settings.MaxAway))
            {
                return Response.Fail(statusCode: "not-back", message: $"{end}, and not back within {settings.MaxAway.TotalSeconds:N1} s");
            }

            if (Interlocked.Increment(ref _returned) == settings.Connections)
            {
                _areAllReconnected.TrySetResult();
            }

            return end.Code == code
                ? Response.Ok(statusCode: $"{end.Code}")
                : Response.Fail(statusCode: $"{end.Code}", message: $"{end}, where {code} was expected");
        });
    }
}
