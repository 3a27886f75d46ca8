using System.Diagnostics.CodeAnalysis;

namespace Weir.Timing;

/// <summary>
/// One timeout of <see cref="RunningTimeouts"/> as a token, for one wait or for several in a row that share its time. Begins when it is
/// created; disposal ends it. Thread-safe.
/// </summary>
[Experimental("WEIR001")]
public sealed class RunningTimeout : RunningTimeoutEntry, IDisposable
{
    private readonly CancellationTokenSource _elapsed = new();
    private readonly RunningTimeouts _timeouts;
    private readonly bool _isAlone;

    /// <summary>Begins a timeout of its own.</summary>
    /// <param name="limit">Its length; at least a millisecond is counted for an eighth.</param>
    /// <param name="time">The clock.</param>
    /// <param name="hasProgressed">
    /// Called at the end of each eighth, which is not counted if it returns true; <c>null</c>: all are. Progress prolongs the timeout to
    /// nine times its length at most.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="limit"/> is negative: infinite is none.</exception>
    public RunningTimeout(TimeSpan limit, TimeProvider time, Func<bool>? hasProgressed = null)
        : this(new RunningTimeouts(limit, time, hasProgressed)) => _isAlone = true;

    /// <summary>Begins a timeout that shares the timer of others of its length.</summary>
    /// <param name="timeouts">The others.</param>
    public RunningTimeout(RunningTimeouts timeouts)
    {
        ArgumentNullException.ThrowIfNull(timeouts);
        _timeouts = timeouts;
        timeouts.Add(this);
    }

    /// <summary>Cancelled when the timeout has elapsed.</summary>
    public CancellationToken Token => _elapsed.Token;

    /// <summary>Whether the timeout has elapsed.</summary>
    public bool HasElapsed => _elapsed.IsCancellationRequested;

    /// <summary>Waits for a task.</summary>
    /// <param name="task">Its failure is thrown.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="TimeoutException">The timeout has elapsed.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async Task WaitAsync(Task task, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(task);
        if (!task.IsCompleted)
        {
            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(Token, cancellationToken);
            await task.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        cancellationToken.ThrowIfCancellationRequested();
        await (task.IsCompleted ? task : throw new TimeoutException("There was no reply in time.")).ConfigureAwait(false);
    }

    /// <inheritdoc />
    protected internal override void OnElapsed() => _elapsed.Cancel();

    /// <summary>Ends the timeout: it does not elapse any more.</summary>
    public void Dispose()
    {
        // The token source is not disposed: without a timer it holds no resources, and its token may still be read.
        _timeouts.TryRemove(this);
        if (_isAlone)
        {
            _timeouts.Dispose();
        }
    }
}
