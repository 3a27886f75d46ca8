using System.Diagnostics;

namespace Weir.Relay.Rooms;

/// <summary>The requests and events of a <see cref="BrokerSubscription"/>. Calls never overlap for one subscription.</summary>
internal interface IBrokerSubscriptionOwner
{
    /// <summary>
    /// Subscribes at the broker. When it completes everything published from then on will be announced, or the broker retries on its own.
    /// </summary>
    /// <returns>False if the request failed; then <see cref="BrokerSubscription.Retry"/> may repeat it.</returns>
    ValueTask<bool> SubscribeAsync();

    ValueTask UnsubscribeAsync();

    /// <summary>About to be subscribed, without a member that was given an earlier publication.</summary>
    void OnSubscribing();

    /// <summary>The room has no members and the subscription has ended: the room is to be removed.</summary>
    void OnGone();
}

/// <summary>
/// The one subscription of a room at the broker, held while this node has members in it. Thread-safe.
/// </summary>
/// <remarks>
/// One task at a time calls the broker for a room, so that a subscribe and an unsubscribe never overtake each other; when the call
/// completes it reads the reference count again. However many join and leave in between, the broker is called at most one more time.
/// </remarks>
internal sealed class BrokerSubscription(IBrokerSubscriptionOwner owner)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _ready;
    private int _references;
    private State _state;
    private bool _mustRetry;
    private bool _isRetrying;

    private enum State
    {
        Unsubscribed,
        Subscribing,
        Subscribed,
        Unsubscribing,

        /// <summary>Ended permanently.</summary>
        Gone,
    }

    /// <summary>The number of references.</summary>
    public int References
    {
        get
        {
            lock (_gate)
            {
                return _references;
            }
        }
    }

    /// <summary>Whether there is any reference; without the lock, for each publication.</summary>
    public bool IsReferenced => Volatile.Read(ref _references) > 0;

    public bool MustRetry => Volatile.Read(ref _mustRetry);

    /// <summary>Adds a reference.</summary>
    /// <param name="ready">Completes when the room is subscribed to; never faults.</param>
    /// <returns>False if this subscription has ended: a new room is needed.</returns>
    public bool TryAcquire(out Task ready)
    {
        bool mustRun = false;
        bool mustRetry = false;
        lock (_gate)
        {
            if (_state == State.Gone)
            {
                ready = Task.CompletedTask;
                return false;
            }

            _references++;
            if (_state == State.Subscribed && !_mustRetry)
            {
                ready = Task.CompletedTask;
                return true;
            }

            mustRetry = _state == State.Subscribed; // the broker has not confirmed it yet
            _ready ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            ready = _ready.Task;
            if (_state == State.Unsubscribed)
            {
                _state = State.Subscribing;
                mustRun = true;
            }
        }

        if (mustRun)
        {
            _ = RunAsync();
        }
        else if (mustRetry)
        {
            Retry();
        }

        return true;
    }

    /// <summary>Removes a reference; once for each <see cref="TryAcquire"/>.</summary>
    public void Release()
    {
        lock (_gate)
        {
            _references--;
            Debug.Assert(_references >= 0, "More references released than acquired");
            if (_references > 0 || _state != State.Subscribed || _isRetrying)
            {
                return;
            }

            _state = State.Unsubscribing;
        }

        _ = RunAsync();
    }

    /// <summary>Repeats a subscribe that failed.</summary>
    public void Retry()
    {
        lock (_gate)
        {
            if (!_mustRetry || _isRetrying || _state != State.Subscribed)
            {
                return;
            }

            _isRetrying = true;
        }

        _ = RetryAsync();
    }

    private async Task RunAsync()
    {
        while (true)
        {
            State doing;
            lock (_gate)
            {
                doing = _state;
            }

            if (doing == State.Subscribing)
            {
                owner.OnSubscribing();
                bool isConfirmed = await owner.SubscribeAsync().ConfigureAwait(false);
                TaskCompletionSource? ready;
                bool isWanted;
                lock (_gate)
                {
                    Volatile.Write(ref _mustRetry, !isConfirmed);
                    isWanted = _references > 0;
                    _state = isWanted ? State.Subscribed : State.Unsubscribing;
                    ready = _ready;
                    _ready = null;
                }

                ready?.TrySetResult();
                if (isWanted)
                {
                    return;
                }
            }
            else
            {
                await owner.UnsubscribeAsync().ConfigureAwait(false);
                lock (_gate)
                {
                    _state = _references > 0 ? State.Subscribing : State.Gone;
                    if (_state == State.Subscribing)
                    {
                        continue;
                    }
                }

                owner.OnGone();
                return;
            }
        }
    }

    private async Task RetryAsync()
    {
        bool isConfirmed = await owner.SubscribeAsync().ConfigureAwait(false);
        bool isWanted;
        TaskCompletionSource? ready;
        lock (_gate)
        {
            _isRetrying = false;
            ready = _ready;
            _ready = null;
            Volatile.Write(ref _mustRetry, !isConfirmed);
            isWanted = _references > 0;
            if (!isWanted)
            {
                _state = State.Unsubscribing;
            }
        }

        ready?.TrySetResult();
        if (!isWanted)
        {
            await RunAsync().ConfigureAwait(false);
        }
    }
}
