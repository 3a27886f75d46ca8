using Weir.Relay.Brokers;
using Weir.Timing;

namespace Weir.Brokers.Postgres.Calls;

/// <summary>
/// A request: in a lane's queue, then sent, then complete. Its timeout counts only time in which the process runs. Thread-safe.
/// </summary>
internal abstract class Call : RunningTimeoutEntry
{
    private const int Queued = 0;
    private const int Sent = 1;
    private const int Complete = 2;

    private int _state;

    /// <summary>Set before it is queued: called once, when it is complete, before its caller sees that.</summary>
    public ICallOwner? Owner { get; set; }

    /// <summary>The size of what is sent, roughly; bytes.</summary>
    public abstract int Size { get; }

    /// <summary>It is being sent; returns <c>false</c> if it has failed before.</summary>
    public bool TrySend() => Interlocked.CompareExchange(ref _state, Sent, Queued) == Queued;

    /// <summary>It has failed; without effect if it is complete.</summary>
    public void Fail(Exception error)
    {
        if (TryComplete())
        {
            SetException(error);
        }
    }

    protected override void OnElapsed()
    {
        // In one step: a call that is being sent at this moment may be executed.
        if (Interlocked.CompareExchange(ref _state, Complete, Queued) == Queued)
        {
            Owner?.OnComplete(this);
            SetException(NotInTime(isUnknown: false));
        }
        else
        {
            Fail(NotInTime(isUnknown: true));
        }
    }

    protected bool TryComplete()
    {
        if (Interlocked.Exchange(ref _state, Complete) == Complete)
        {
            return false;
        }

        Owner?.OnComplete(this);
        return true;
    }

    protected abstract void SetException(Exception error);

    private static BrokerUnavailableException NotInTime(bool isUnknown) => new("PostgreSQL has not answered in time.", isUnknown);
}

/// <summary>Counts calls.</summary>
internal interface ICallOwner
{
    /// <summary>A call is complete.</summary>
    void OnComplete(Call call);
}

/// <summary>A call with a result.</summary>
internal abstract class Call<T> : Call
{
    // Continuations run where the reply was read.
    private readonly TaskCompletionSource<T> _result = new();

    public Task<T> Task => _result.Task;

    protected void Finish(T result)
    {
        if (TryComplete())
        {
            _result.SetResult(result);
        }
    }

    protected override void SetException(Exception error) => _result.SetException(error);
}
