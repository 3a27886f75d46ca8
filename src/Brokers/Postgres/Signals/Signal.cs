namespace Weir.Brokers.Postgres.Signals;

/// <summary>Wakes one loop; several signals before it waits are one. Thread-safe, for one that waits.</summary>
internal sealed class Signal
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _waiting;
    private bool _isSet;

    /// <summary>Wakes the loop, now or when it waits.</summary>
    public void Set()
    {
        TaskCompletionSource? waiting;
        lock (_gate)
        {
            waiting = _waiting;
            _waiting = null;
            _isSet |= waiting is null;
        }

        waiting?.SetResult();
    }

    /// <summary>Waits for the signal.</summary>
    /// <exception cref="OperationCanceledException">The wait was cancelled; a signal is kept.</exception>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        TaskCompletionSource waiting;
        lock (_gate)
        {
            if (_isSet)
            {
                _isSet = false;
                return;
            }

            waiting = _waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        try
        {
            await waiting.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            lock (_gate)
            {
                _isSet |= _waiting is null; // it came at the same time
                _waiting = null;
            }

            throw;
        }
    }

    /// <summary>Waits for the signal, at most so long; returns <c>false</c> if it did not come.</summary>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async Task<bool> WaitAsync(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        using CancellationTokenSource elapsed = new(limit, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(elapsed.Token, cancellationToken);
        try
        {
            await WaitAsync(either.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
