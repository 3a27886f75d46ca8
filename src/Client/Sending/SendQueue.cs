using System.Diagnostics;

namespace Weir.Client.Sending;

/// <summary>
/// What waits to be sent, bounded in messages and bytes. Anybody adds; one task takes. It outlives connections: what waits goes out on
/// the next one.
/// </summary>
internal sealed class SendQueue(SendQueueOptions options) : IDisposable
{
    private readonly int _maxMessages = options.MaxMessages;
    private readonly int _maxBytes = options.MaxBytes;
    private readonly WhenFull _whenFull = options.WhenFull;
    private readonly Lock _gate = new();
    private readonly LinkedList<PendingSend> _waiting = [];
    private readonly Queue<PendingSend> _urgent = [];
    private readonly SemaphoreSlim _something = new(0, 1);
    private long _bytes;
    private string? _closed;
    private object? _connection;
    private bool _holdsBack;

    /// <summary>
    /// Puts it at the end; what there is no place for ends as <see cref="Delivery.Failed"/>. The token takes it out again, as long as
    /// it waits.
    /// </summary>
    public void Add(PendingSend pending, CancellationToken cancel)
    {
        if (cancel.CanBeCanceled)
        {
            // Before it waits, so that whoever takes it out finds the registration.
            pending.GivingUp = cancel.UnsafeRegister(static (state, token) => (((SendQueue, PendingSend))state!).Item1.GiveUp((((SendQueue, PendingSend))state!).Item2, token), (this, pending));
        }

        List<PendingSend> dropped = [];
        string? refusal;
        lock (_gate)
        {
            refusal = AddInsideLock(pending, dropped);
        }

        foreach (PendingSend each in dropped)
        {
            each.GivingUp.Unregister();
            each.End(new DeliveryResult(Delivery.Failed, "dropped for newer ones: the send queue is full"));
        }

        if (refusal is not null)
        {
            pending.GivingUp.Unregister();
            pending.End(new DeliveryResult(Delivery.Failed, refusal));
        }
        else if (cancel.IsCancellationRequested)
        {
            GiveUp(pending, cancel); // it may have been too early a moment ago
        }
    }

    /// <summary>
    /// Puts what the protocol itself has to say before all others; the bounds do not count for it. It is for one connection, and
    /// disregarded when that is not the present one.
    /// </summary>
    public void AddUrgent(PendingSend pending, object connection)
    {
        lock (_gate)
        {
            if (_connection == connection)
            {
                _urgent.Enqueue(pending);
                SignalInsideLock();
            }
        }
    }

    /// <summary>A connection begins, or has ended (null): only what is urgent goes out, until <see cref="LetGo"/>.</summary>
    public void HoldBack(object? connection)
    {
        lock (_gate)
        {
            _connection = connection;
            _urgent.Clear();
            _holdsBack = true;
        }
    }

    /// <summary>Everything may go out.</summary>
    public void LetGo()
    {
        lock (_gate)
        {
            _holdsBack = false;
            SignalInsideLock();
        }
    }

    /// <summary>Waits for the next one; null when <paramref name="cancel"/> says so.</summary>
    public async ValueTask<PendingSend?> TakeAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            lock (_gate)
            {
                if (_urgent.TryDequeue(out PendingSend? urgent))
                {
                    return urgent;
                }

                if (!_holdsBack && _waiting.First?.Value is { } next)
                {
                    RemoveInsideLock(next);
                    next.GivingUp.Unregister();
                    return next;
                }
            }

            await _something.WaitAsync(cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return null;
    }

    /// <summary>It was taken and not touched: it is the next again.</summary>
    public void PutBack(PendingSend pending)
    {
        string? closed;
        lock (_gate)
        {
            closed = _closed;
            if (closed is null)
            {
                pending.Place = _waiting.AddFirst(pending);
                _bytes += pending.Payload.Length;
                SignalInsideLock();
            }
        }

        if (closed is not null)
        {
            pending.End(new DeliveryResult(Delivery.Failed, closed));
        }
    }

    /// <summary>Nothing goes out any more.</summary>
    public void Close(string reason)
    {
        PendingSend[] left;
        lock (_gate)
        {
            _closed ??= reason;
            left = [.. _waiting];
            foreach (PendingSend each in left)
            {
                RemoveInsideLock(each);
            }
        }

        foreach (PendingSend each in left)
        {
            each.GivingUp.Unregister();
            each.End(new DeliveryResult(Delivery.Failed, reason));
        }
    }

    public void Dispose() => _something.Dispose();

    private string? AddInsideLock(PendingSend pending, List<PendingSend> dropped)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        if (_closed is not null)
        {
            return _closed;
        }

        int size = pending.Payload.Length;
        if (size > _maxBytes)
        {
            return "larger than the whole send queue";
        }

        while (_waiting.Count >= _maxMessages || _bytes + size > _maxBytes)
        {
            if (_whenFull == WhenFull.RefuseNewest)
            {
                return "the send queue is full";
            }

            PendingSend oldest = _waiting.First!.Value;
            RemoveInsideLock(oldest);
            dropped.Add(oldest);
        }

        pending.Place = _waiting.AddLast(pending);
        _bytes += size;
        SignalInsideLock();
        return null;
    }

    private void RemoveInsideLock(PendingSend pending)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        _waiting.Remove(pending.Place!);
        pending.Place = null;
        _bytes -= pending.Payload.Length;
    }

    private void SignalInsideLock()
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        if (_something.CurrentCount == 0)
        {
            _something.Release();
        }
    }

    private void GiveUp(PendingSend pending, CancellationToken by)
    {
        lock (_gate)
        {
            if (pending.Place is null)
            {
                return; // on its way: how it ends is not up to its user any more
            }

            RemoveInsideLock(pending);
        }

        pending.Cancel(by);
    }
}
