using System.Diagnostics.CodeAnalysis;

namespace Weir.Client;

/// <summary>
/// Calls the handlers of one client: one at a time, in the order in which events came, on a task of its own and never on that which reads
/// the connection. So a handler may wait for what the client has yet to receive. Without work there is no task.
/// </summary>
internal sealed class Dispatcher(Action<Exception> onFailure)
{
    // A handler that disposes its own client must not wait for itself: which client's callback the present code was called by.
    private static readonly AsyncLocal<Dispatcher?> _current = new();

    private readonly Lock _gate = new();
    private readonly Queue<IHandled> _waiting = [];
    private Task _run = Task.CompletedTask;
    private bool _isRunning;

    /// <summary>Whether the present code was called, at some remove, by a callback of this client.</summary>
    public bool IsCaller => _current.Value == this;

    /// <summary>What waits to be handled has been.</summary>
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

    /// <summary>From here on, and in all that is called from here, callbacks are this client's.</summary>
    public void Enter() => _current.Value = this;

    /// <summary>One more item waits there.</summary>
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

    [SuppressMessage("Design", "CA1031", Justification = "What a handler of the user throws, of whatever type, ends the client and is reported there.")]
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

/// <summary>Where items wait for a handler.</summary>
internal interface IHandled
{
    /// <summary>Hands the next item, if there is one, to the handler, if there is one.</summary>
    void HandleOne();
}
