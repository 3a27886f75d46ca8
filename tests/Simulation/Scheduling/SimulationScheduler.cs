namespace Weir.Simulation.Scheduling;

/// <summary>
/// Runs everything of one simulation on the thread that calls it: of the ready items, one by chance; when none is ready,
/// the clock advances to the next timer.
/// </summary>
internal sealed class SimulationScheduler : SynchronizationContext
{
    private readonly List<(SendOrPostCallback Callback, object? State)> _ready = [];
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly int _mostItems;
    private int _items;

    /// <param name="seed">Chooses among what is ready, and is all the chance that there is.</param>
    /// <param name="mostItems">Beyond so many the simulation does not come to rest.</param>
    public SimulationScheduler(int seed, int mostItems = 500_000)
    {
        Random = new Random(seed);
        _mostItems = mostItems;
        Clock = new SimulationClock();
    }

    public Random Random { get; }

    public SimulationClock Clock { get; }

    public override SynchronizationContext CreateCopy() => this;

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Nothing may block.");

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (Environment.CurrentManagedThreadId != _thread)
        {
            // No test may pass in which code runs outside of the seed's control.
            Environment.FailFast(
                "The simulation was continued from another thread: a way to the thread pool is not redirected.\n" + Environment.StackTrace);
        }

        _ready.Add((d, state));
    }

    /// <summary>Calls at a time from now.</summary>
    public void After(TimeSpan delay, Action action)
        => Clock.CreateTimer(static state => ((Action)state!)(), action, delay, Timeout.InfiniteTimeSpan);

    /// <summary>A duration between two bounds.</summary>
    public TimeSpan Between(double fromMilliseconds, double toMilliseconds)
        => TimeSpan.FromMicroseconds(1000 * (fromMilliseconds + Random.NextDouble() * (toMilliseconds - fromMilliseconds)));

    /// <summary>Runs what is ready, and all timers of the time given.</summary>
    public void Run(TimeSpan time)
    {
        DateTimeOffset end = Clock.GetUtcNow() + time;
        do
        {
            while (_ready.Count > 0)
            {
                if (++_items > _mostItems)
                {
                    throw new SimulationException("It does not come to rest.");
                }

                int chosen = Random.Next(_ready.Count);
                (SendOrPostCallback callback, object? state) = _ready[chosen];
                _ready[chosen] = _ready[^1];
                _ready.RemoveAt(_ready.Count - 1);
                callback(state);
            }
        }
        while (Clock.TryAdvanceTo(end));
    }
}

/// <summary>The simulation itself failed, or what it ran threw where that cannot be.</summary>
internal sealed class SimulationException(string message) : Exception(message);
