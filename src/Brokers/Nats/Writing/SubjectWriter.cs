using System.Text.Json;
using Weir.Brokers.Nats.Streams;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Writing;

/// <summary>
/// Writes the messages of one subject, whose last one is its state. One message is in flight at a time, and carries all operations that
/// were waiting when it was made; the server takes it only if no other node's came before it, else the state is read and the same
/// operations are tried again. So operations of one node take effect in the order of the calls, none twice, and a write that arrives late
/// has no effect. Thread-safe.
/// </summary>
internal abstract class SubjectWriter<TOperation>(string subject, IWriterContext context)
    where TOperation : WriteOperation
{
    private const int MaxOperations = 512;

    private readonly Lock _gate = new();
    private readonly Queue<TOperation> _waiting = new();
    private readonly List<TOperation> _taken = []; // owned by the one that is busy
    private Storage? _known; // the storage in which the state was read or written
    private bool _isBusy;
    private bool _isRetired;

    protected string Subject => subject;

    protected IWriterContext Context => context;

    /// <summary>The sequence number of the last message; 0: there is none.</summary>
    protected ulong LastSequence { get; private set; }

    protected abstract StreamState StreamOf(Storage storage);

    /// <summary>Returns false if the writer is not in use any more: another one must be made.</summary>
    public bool TryEnqueue(TOperation operation)
    {
        lock (_gate)
        {
            if (_isRetired)
            {
                return false;
            }

            _waiting.Enqueue(operation);
            if (_isBusy)
            {
                return true;
            }

            _isBusy = true;
        }

        _ = RunAsync();
        return true;
    }

    /// <summary>Ends the use of a writer without operations; returns false if it has some.</summary>
    public bool TryRetire()
    {
        lock (_gate)
        {
            return _isRetired |= !_isBusy;
        }
    }

    /// <summary>Whether the operations are to be executed also if the server is nearly full.</summary>
    protected virtual bool FreesSpace(List<TOperation> operations) => false;

    /// <summary>Takes over the state of the last message; <c>null</c> if there is none.</summary>
    protected abstract void Load(StoredMessage? last);

    /// <summary>The size of an operation in the message, about.</summary>
    protected abstract int SizeOf(TOperation operation);

    /// <summary>Returns the message that makes the operations take effect; <c>null</c> if they change nothing.</summary>
    protected abstract ReadOnlyMemory<byte>? Build(Storage storage, List<TOperation> operations);

    /// <summary>The message is stored, or was not needed: completes the operations.</summary>
    protected abstract void Complete(List<TOperation> operations, ulong? sequence);

    /// <summary>The server does not store: completes the operations in another way, or fails them.</summary>
    protected virtual void Refuse(List<TOperation> operations, string reason)
        => FailAll(operations, new BrokerUnavailableException($"NATS does not store: {reason}.", isUnknown: false));

    protected static void FailAll(List<TOperation> operations, BrokerUnavailableException error)
    {
        foreach (TOperation operation in operations)
        {
            operation.Fail(error);
        }
    }

    private async Task RunAsync()
    {
        while (TryTake())
        {
            try
            {
                await WriteAsync();
            }
            catch (BrokerUnavailableException error)
            {
                Forget(error);
            }
            catch (Exception error) when (error is InvalidDataException or JsonException or StreamException)
            {
                context.OnUnreadable(subject, error);
                Forget(new BrokerUnavailableException(error.Message, isUnknown: false, error));
            }
        }
    }

    // Whether the message was stored may be unknown: the next one begins with a read.
    private void Forget(BrokerUnavailableException error)
    {
        _known = null;
        TOperation[] failed = [.. _taken];
        _taken.Clear();
        foreach (TOperation operation in failed)
        {
            operation.Fail(error);
        }
    }

    // Operations of a message that came too late stay taken, in front of those that wait.
    private bool TryTake()
    {
        _taken.RemoveAll(static operation => operation.IsOver);
        int room = Math.Min(context.MaxPayload / 2, 128 * 1024);
        foreach (TOperation operation in _taken)
        {
            room -= SizeOf(operation);
        }

        lock (_gate)
        {
            while (_taken.Count < MaxOperations && _waiting.TryPeek(out TOperation? next)
                && (_taken.Count == 0 || SizeOf(next) <= room || next.IsOver))
            {
                _waiting.Dequeue();
                if (!next.IsOver)
                {
                    _taken.Add(next);
                    room -= SizeOf(next);
                }
            }

            return _isBusy = _taken.Count > 0;
        }
    }

    private async Task WriteAsync()
    {
        if (context.Storage is not { } storage)
        {
            if (!context.CanAnnounce)
            {
                throw new BrokerUnavailableException("NATS is unavailable.", isUnknown: false);
            }

            RefuseTaken("JetStream is unavailable");
            return;
        }

        if (context.Refusal is { } refusal && !FreesSpace(_taken))
        {
            RefuseTaken(refusal);
            return;
        }

        if (_known != storage)
        {
            StoredMessage? last = await ReadLastAsync(storage);
            Load(last);
            LastSequence = last?.Sequence ?? 0;
            _known = storage;
        }

        if (Build(storage, _taken) is not { } message)
        {
            CompleteTaken(null);
            return;
        }

        StoreResult result = await storage.JetStream.StoreAsync(StreamOf(storage), subject, message, LastSequence);
        switch (result.Kind)
        {
            case StoreResultKind.Stored:
                LastSequence = result.Sequence;
                CompleteTaken(result.Sequence);
                break;

            case StoreResultKind.Conflict:
                _known = null;
                context.OnConflict();
                break;

            default:
                _known = null;
                context.OnRefused(result.Reason);
                RefuseTaken(result.Reason);
                break;
        }
    }

    private async Task<StoredMessage?> ReadLastAsync(Storage storage)
    {
        try
        {
            return await storage.JetStream.ReadLastAsync(StreamOf(storage), subject);
        }
        catch (BrokerUnavailableException error)
        {
            throw new BrokerUnavailableException(error.Message, isUnknown: false, error); // nothing was written
        }
    }

    private void CompleteTaken(ulong? sequence)
    {
        Complete(_taken, sequence);
        _taken.Clear();
    }

    private void RefuseTaken(string reason)
    {
        Refuse(_taken, reason);
        _taken.Clear();
    }
}
