using System.Diagnostics;

namespace Weir.Client.Sending;

/// <summary>
/// The send queue, bounded in messages and bytes. Any thread adds; one task takes. It outlives connections: queued messages are
/// sent on the next one.
/// </summary>
internal sealed class ClientSendQueue(SendQueueSettings settings) : IDisposable
{
    private readonly int _maxMessages = settings.MaxMessages;
    private readonly int _maxBytes = settings.MaxBytes;
    private readonly WhenFull _whenFull = settings.WhenFull;
    private readonly Lock _gate = new();
    private readonly LinkedList<PendingSend> _waiting = [];
    private readonly Queue<PendingSend> _urgent = [];
    private readonly SemaphoreSlim _available = new(0, 1);
    private long _bytes;
    private string? _closed;
    private object? _connection;
    private bool _holdsBack;

    /// <summary>
    /// Adds at the end; a message without space ends as <see cref="Delivery.Failed"/>. The token removes it while it is queued.
    /// </summary>
    public void Add(PendingSend pending, CancellationToken cancel)
    {
        if (cancel.CanBeCanceled)
        {
            // Before it is queued, so that the task that takes it finds the registration.
            pending.GivingUp = cancel.UnsafeRegister(
                static (state, token)
                    => (((ClientSendQueue, PendingSend))state!).Item1.GiveUp((((ClientSendQueue, PendingSend))state!).Item2, token),
                (this, pending));
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
            GiveUp(pending, cancel); // the token may have been cancelled before it was queued
        }
    }

    /// <summary>
    /// Adds a frame of the protocol itself ahead of all others, regardless of the limits. It belongs to one connection, and is
    /// ignored if that is not the current one.
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

    /// <summary>
    /// Called when a connection begins, or has ended (<c>null</c>): only urgent frames are sent until <see cref="Permit"/>.
    /// </summary>
    public void HoldBack(object? connection)
    {
        lock (_gate)
        {
            _connection = connection;
            _urgent.Clear();
            _holdsBack = true;
        }
    }

    /// <summary>Permits the queued messages to be sent.</summary>
    public void Permit()
    {
        lock (_gate)
        {
            _holdsBack = false;
            SignalInsideLock();
        }
    }

    /// <summary>Waits for the next one; <c>null</c> if <paramref name="cancel"/> is cancelled.</summary>
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

            await _available.WaitAsync(cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return null;
    }

    /// <summary>Returns a message that was taken but not sent to the front of the queue.</summary>
    public void PutBack(PendingSend pending)
    {
        string? closed;
        lock (_gate)
        {
            closed = _closed;
            if (closed is null)
            {
                pending.Entry = _waiting.AddFirst(pending);
                _bytes += pending.Payload.Length;
                SignalInsideLock();
            }
        }

        if (closed is not null)
        {
            pending.End(new DeliveryResult(Delivery.Failed, closed));
        }
    }

    /// <summary>Closes the queue: queued and later messages fail.</summary>
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

    public void Dispose() => _available.Dispose();

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

        pending.Entry = _waiting.AddLast(pending);
        _bytes += size;
        SignalInsideLock();
        return null;
    }

    private void RemoveInsideLock(PendingSend pending)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        _waiting.Remove(pending.Entry!);
        pending.Entry = null;
        _bytes -= pending.Payload.Length;
    }

    private void SignalInsideLock()
    {
        Debug.Assert(_gate.IsHeldByCurrentThread);
        if (_available.CurrentCount == 0)
        {
            _available.Release();
        }
    }

    private void GiveUp(PendingSend pending, CancellationToken by)
    {
        lock (_gate)
        {
            if (pending.Entry is null)
            {
                return; // in flight: it can no longer be cancelled
            }

            RemoveInsideLock(pending);
        }

        pending.Cancel(by);
    }
}
