using System.Buffers;
using Weir.Diagnostics;
using Weir.Protocol;

namespace Weir.Sending;

/// <summary>
/// One pass of a receive loop over the bytes that had arrived. The handler's sends are batched: each connection it wrote to is
/// flushed once, at the end, and messages published to one room are sent to its members together, so that a member gets 30
/// messages with one copy, one gate and one flush.
/// </summary>
/// <remarks>
/// Bound to its thread. The loop leaves the scope before it awaits, so a handler that goes asynchronous has its sends flushed
/// first, and its sends after its await are flushed immediately. Order is kept: an operation that would overtake a batched
/// publication (a direct send, a close, another room, a member that joins or leaves) delivers the publications first.
/// </remarks>
internal sealed class SendScope
{
    // One scope per thread serves all passes on it. A pass can begin inside another only with an inline pipe scheduler.
    [ThreadStatic]
    private static SendScope? _ofThread;

    /// <summary>Counts of direct sends; added to the counters at the end of the pass.</summary>
    public TrafficBatch Sent;

    private readonly Queue<IThreadPoolWorkItem> _deferredWork = new();
    private ConnectionSender[] _deferred = new ConnectionSender[16];
    private int _deferredCount;
    private IPublicationTarget? _target;
    private object? _except;
    private string? _key;
    private IMessageCopies? _copies;
    private SharedFrames? _batch;
    private SendScope? _outer;
    private ConnectionSender? _owner;
    private bool _ownerHasSent;
    private bool _isOpen;

    /// <summary>The scope open on this thread; <c>null</c> outside of a pass.</summary>
    public static SendScope? Current => _ofThread is { _isOpen: true } scope ? scope : null;

    /// <summary>
    /// Whether the connection whose bytes are being handled has replied, in this pass, with more than its transport takes. Its
    /// loop should stop here: reading on would only queue replies for a client that does not take them.
    /// </summary>
    public bool OwnerMustWait => _ownerHasSent && _owner!.IsBusy;

    /// <summary>Whether the scope holds publications that have not been delivered yet.</summary>
    public bool HasPublications => _batch is not null;

    /// <param name="owner">The connection whose received bytes the pass handles.</param>
    public static SendScope Enter(ConnectionSender owner)
    {
        SendScope scope = _ofThread ??= new SendScope();
        if (scope._isOpen)
        {
            _ofThread = scope = new SendScope { _outer = scope };
        }

        scope._isOpen = true;
        scope._owner = owner;
        scope._ownerHasSent = false;
        return scope;
    }

    /// <summary>Delivers the batched publications and flushes. Must be called on the thread that entered.</summary>
    public void Exit()
    {
        int flushed = 0;
        do
        {
            while (_deferredWork.TryDequeue(out IThreadPoolWorkItem? work))
            {
                work.Execute();
            }

            WalkPublications();
            // By index: a flush may run a pipe's reader inline, which may send or publish and so add to this scope.
            for (; flushed < _deferredCount; flushed++)
            {
                ConnectionSender sender = _deferred[flushed];
                _deferred[flushed] = null!;
                sender.FlushDeferred();
            }
        }
        while (_batch is not null || _deferredWork.Count > 0);

        Sent.Add();
        _deferredCount = 0;
        _owner = null;
        _isOpen = false;
        if (_outer is { } outer)
        {
            _ofThread = outer;
        }
    }

    /// <summary>Runs work on this thread at the end of the pass, before the flushes. It must not throw.</summary>
    public void PutOff(IThreadPoolWorkItem work) => _deferredWork.Enqueue(work);

    public void Defer(ConnectionSender sender)
    {
        if (_deferredCount == _deferred.Length)
        {
            Array.Resize(ref _deferred, _deferredCount * 2);
        }

        _deferred[_deferredCount++] = sender;
    }

    /// <summary>Records that <paramref name="sender"/> was given a message directly, not by a room.</summary>
    public void NoteSent(ConnectionSender sender) => _ownerHasSent |= ReferenceEquals(sender, _owner);

    /// <summary>Batches one message for all members of <paramref name="target"/> but <paramref name="except"/>.</summary>
    public void Publish(
        IPublicationTarget target,
        object? except,
        Opcode opcode,
        in ReadOnlySequence<byte> payload,
        string? key,
        SharedFramesPool runs,
        IMessageCopies? copies = null)
    {
        int size = FrameHeader.MaxUnmaskedLength + checked((int)payload.Length);
        // A keyed message may be replaced, and a copy may be left out for some members, so these need a batch of their own.
        bool standsAlone = key is not null || _key is not null || copies is not null || _copies is not null;
        if (_batch is not null
            && (standsAlone || !ReferenceEquals(_target, target) || !ReferenceEquals(_except, except) || _batch.Free < size))
        {
            WalkPublications();
        }

        _target = target;
        _except = except;
        _key = key;
        _copies = copies;
        _batch ??= runs.Rent(Math.Max(size, ConnectionSender.ChunkBytes / 2));
        _batch.Append(opcode, payload);
    }

    /// <summary>Delivers the publications batched so far to every member.</summary>
    public void WalkPublications()
    {
        if (_batch is not { } batch)
        {
            return;
        }

        IPublicationTarget target = _target!;
        object? except = _except;
        string? key = _key;
        IMessageCopies? copies = _copies;
        _key = null;
        _copies = null;
        _batch = null;
        _target = null;
        _except = null;
        target.Deliver(batch, except, key, copies);
        batch.Release();
    }
}
