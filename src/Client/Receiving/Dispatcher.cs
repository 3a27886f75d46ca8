using System.Diagnostics.CodeAnalysis;

namespace Weir.Client.Receiving;

/// <summary>
/// Calls the handlers of one client: one at a time, in the order of events, on its own task and never on the one that reads the
/// connection, so that a handler may wait for data not yet received. Without work there is no task.
/// </summary>
internal sealed class Dispatcher(Action<Exception> onFailure)
{
    // The client whose callback called the current code: a handler that disposes its own client must not wait for itself.
    private static readonly AsyncLocal<Dispatcher?> _current = new();

    private readonly Lock _gate = new();
    private readonly Queue<IHandled> _waiting = [];
    private Task _run = Task.CompletedTask;
    private bool _isRunning;

    /// <summary>Whether a callback of this client called the current code, directly or indirectly.</summary>
    public bool IsCaller => _current.Value == this;

    /// <summary>Completes when all queued items have been handled.</summary>
    public Task Idle
    {
        get
        {
            lock (_gate)
            {
                return _run;
            }
        }
    }

    /// <summary>Marks the current code, and all that it calls, as a callback of this client.</summary>
    public void Enter() => _current.Value = this;

    /// <summary>Announces one more queued item.</summary>
    public void Post(IHandled where)
    {
        lock (_gate)
        {
            _waiting.Enqueue(where);
            if (!_isRunning)
            {
                _isRunning = true;
                _run = Task.Run(HandleAll);
            }
        }
    }

    [SuppressMessage("Design", "CA1031",
        Justification = "Any exception of an application's handler ends the client and is reported there.")]
    private void HandleAll()
    {
        Enter();
        while (TryTake(out IHandled? next))
        {
            try
            {
                next.HandleOne();
            }
            catch (Exception error)
            {
                onFailure(error);
            }
        }
    }

    private bool TryTake([NotNullWhen(true)] out IHandled? next)
    {
        lock (_gate)
        {
            _isRunning = _waiting.TryDequeue(out next);
            return _isRunning;
        }
    }
}

/// <summary>A queue of items for a handler.</summary>
internal interface IHandled
{
    /// <summary>Passes the next item to the handler, if both exist.</summary>
    void HandleOne();
}
