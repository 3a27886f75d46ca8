using System.Diagnostics;

namespace Weir.Relay.Rooms;

/// <summary>What a <see cref="RoomLink"/> asks for, and whom it tells. Its calls never overlap for one link.</summary>
internal interface IRoomLinkOwner
{
    /// <summary>
    /// Subscribes at the broker. When it completes everything published from then on will be announced, or it is the broker's
    /// turn to see to that.
    /// </summary>
    /// <returns>False when the broker could not be asked; then <see cref="RoomLink.Retry"/> may ask again.</returns>
    ValueTask<bool> SubscribeAsync();

    ValueTask UnsubscribeAsync();

    /// <summary>About to be subscribed, with nobody there who heard anything before.</summary>
    void OnSubscribing();

    /// <summary>Nobody is there, and nothing will come back: the room is to be forgotten.</summary>
    void OnGone();
}

/// <summary>
/// The one subscription of a room at the broker, held while somebody on this node wants it. Thread-safe.
/// </summary>
/// <remarks>
/// One task at a time talks to the broker for a room, so that a subscribe and an unsubscribe never overtake each other;
/// when it has its answer it looks again at what is wanted now. However many join and leave in between, the broker is
/// asked at most once more.
/// </remarks>
internal sealed class RoomLink(IRoomLinkOwner owner)
{
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

        /// <summary>Ended for good.</summary>
        Gone,
    }

    /// <summary>How many want it.</summary>
    public int References
    {
        get
        {
            lock (this)
            {
                return _references;
            }
        }
    }

    /// <summary>Whether anyone wants it; without the lock, for each publication.</summary>
    public bool IsWanted => Volatile.Read(ref _references) > 0;

    public bool MustRetry => Volatile.Read(ref _mustRetry);

    /// <summary>Wants it.</summary>
    /// <param name="ready">Completes when the room is subscribed to; never faults.</param>
    /// <returns>False when this link is gone: a new room is needed.</returns>
    public bool TryAcquire(out Task ready)
    {
        bool mustRun = false;
        bool mustRetry = false;
        lock (this)
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

    /// <summary>Wants it no more; once for each <see cref="TryAcquire"/>.</summary>
    public void Release()
    {
        lock (this)
        {
            _references--;
            Debug.Assert(_references >= 0, "A room was left more often than joined");
            if (_references > 0 || _state != State.Subscribed || _isRetrying)
            {
                return;
            }

            _state = State.Unsubscribing;
        }

        _ = RunAsync();
    }

    /// <summary>Asks the broker again that could not be asked.</summary>
    public void Retry()
    {
        lock (this)
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
            lock (this)
            {
                doing = _state;
            }

            if (doing == State.Subscribing)
            {
                owner.OnSubscribing();
                bool isSure = await owner.SubscribeAsync().ConfigureAwait(false);
                TaskCompletionSource? ready;
                bool isWanted;
                lock (this)
                {
                    Volatile.Write(ref _mustRetry, !isSure);
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
                lock (this)
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
        bool isSure = await owner.SubscribeAsync().ConfigureAwait(false);
        bool isWanted;
        TaskCompletionSource? ready;
        lock (this)
        {
            _isRetrying = false;
            ready = _ready;
            _ready = null;
            Volatile.Write(ref _mustRetry, !isSure);
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
