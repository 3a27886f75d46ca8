namespace Weir.Brokers.Redis.Timing;

/// <summary>
/// A timeout for an external reply that counts only time in which this process could run: it is counted in steps, and each counts
/// for its length, however late its end is seen. So data that arrived while the process was stopped or starved is read before
/// the timeout ends. For one wait, or several in a row that share the time. Not thread-safe.
/// </summary>
internal sealed class RunningTime(TimeSpan limit, TimeProvider time)
{
    private const int Steps = 8;

    // Progress prolongs a wait, but not indefinitely.
    private const int MostProlonged = 8 * Steps;

    private int _steps;
    private int _prolonged;

    /// <summary>Whether the process ran for as long as the limit.</summary>
    public bool IsOver => _steps >= Steps;

    public Task WaitAsync(Task task, CancellationToken cancellationToken) => WaitAsync(task, static () => false, cancellationToken);

    /// <summary>Waits for a task.</summary>
    /// <param name="task">Its failure is thrown.</param>
    /// <param name="hasProgressed">Called at the end of each step; one with progress is not counted.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="TimeoutException">The timeout has elapsed.</exception>
    public async Task WaitAsync(Task task, Func<bool> hasProgressed, CancellationToken cancellationToken)
    {
        while (!task.IsCompleted && !IsOver)
        {
            await task.WaitAsync(limit / Steps, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
            if (!task.IsCompleted && !(hasProgressed() && _prolonged++ < MostProlonged))
            {
                _steps++;
            }
        }

        if (!task.IsCompleted)
        {
            throw new TimeoutException("There was no reply in time.");
        }

        await task.ConfigureAwait(false);
    }
}
