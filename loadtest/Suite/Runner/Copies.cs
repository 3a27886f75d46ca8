namespace Weir.LoadTest.Suite.Runner;

/// <summary>Copies that iterate, each as fast as it can, until they are stopped. For one thread.</summary>
/// <param name="iterate">One iteration.</param>
internal sealed class Copies(Func<Task> iterate)
{
    private readonly List<CancellationTokenSource> _running = [];

    /// <summary>Starts or stops as many as needed. One that stops ends with its iteration.</summary>
    /// <returns>Those that were started; completed when they have stopped.</returns>
    public IReadOnlyList<Task> ChangeTo(int count, Func<TimeSpan> startDelay)
    {
        for (; _running.Count > count; _running.RemoveAt(0))
        {
            _running[0].Cancel();
        }

        List<Task> started = [];
        while (_running.Count < count)
        {
            CancellationTokenSource stop = new();
            _running.Add(stop);
            TimeSpan delay = startDelay();
            started.Add(Task.Run(() => RunAsync(delay, stop.Token)));
        }

        return started;
    }

    private async Task RunAsync(TimeSpan delay, CancellationToken stop)
    {
        await Task.Delay(delay, TimeProvider.System, CancellationToken.None); // an interval at most
        while (!stop.IsCancellationRequested)
        {
            await iterate();
        }
    }
}
