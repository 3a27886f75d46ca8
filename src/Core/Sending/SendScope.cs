using System.Buffers;
using System.Diagnostics.CodeAnalysis;
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
[Experimental("WEIR001")]
public sealed class SendScope
{
    // One scope per thread serves all passes on it. A pass can begin inside another only with an inline pipe scheduler.
    [ThreadStatic]
    private static SendScope? _ofThread;

    /// <summary>Counts of direct sends; added to the counters at the end of the pass.</summary>
    internal TrafficBatch Sent;

    private readonly Queue<IThreadPoolWorkItem> _deferredWork = new();
    private ConnectionSender[] _deferred = new ConnectionSender[16];
    private int _deferredCount;
    private BatchedPublications _publications;
    private SendScope? _outer;
    private ConnectionSender? _owner;
    private bool _ownerHasSent;
    private bool _isOpen;

    private SendScope()
    {
    }

    /// <summary>The scope open on this thread; <c>null</c> outside of a pass.</summary>
    internal static SendScope? Current => _ofThread is { _isOpen: true } scope ? scope : null;

    /// <summary>
    /// Whether the connection whose bytes are being handled has replied, in this pass, with more than its transport takes. Its
    /// loop should stop here: reading on would only queue replies for a client that does not take them.
    /// </summary>
    internal bool OwnerMustWait => _ownerHasSent && _owner!.IsBusy;

    /// <summary>Whether the scope holds publications that have not been delivered yet.</summary>
    internal bool HasPublications => !_publications.IsEmpty;

    /// <summary>
    /// Queues work to the end of the pass that this thread is in, before its flushes: it then runs on this thread, and its sends and
    /// publications leave with those of the handler.
    /// </summary>
    /// <param name="work">The work. It must not block, nor throw.</param>
    /// <returns><c>false</c> if the calling thread is in no pass: the work was not queued.</returns>
    public static bool TryDeferWork(IThreadPoolWorkItem work)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (Current is not { } scope)
        {
            return false;
        }

        scope.PutOff(work);
        return true;
    }

    /// <summary>
    /// Delivers the publications that the pass of this thread has batched so far, so that later messages on another path do not
    /// overtake them. No effect outside of a pass.
    /// </summary>
    public static void DeliverPublications() => Current?.WalkPublications();

    /// <summary>Opens a scope on this thread.</summary>
    /// <param name="owner">The connection whose received bytes the pass handles.</param>
    internal static SendScope Enter(ConnectionSender owner)
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
    internal void Exit()
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
        while (!_publications.IsEmpty || _deferredWork.Count > 0);

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
    internal void PutOff(IThreadPoolWorkItem work) => _deferredWork.Enqueue(work);

    internal void Defer(ConnectionSender sender)
    {
        if (_deferredCount == _deferred.Length)
        {
            Array.Resize(ref _deferred, _deferredCount * 2);
        }

        _deferred[_deferredCount++] = sender;
    }

    /// <summary>Records that <paramref name="sender"/> was given a message directly, not by a room.</summary>
    internal void NoteSent(ConnectionSender sender) => _ownerHasSent |= ReferenceEquals(sender, _owner);

    /// <summary>Batches one message for all members of <paramref name="target"/> but <paramref name="except"/>.</summary>
    internal void Publish(
        IPublicationTarget target,
        object? except,
        Opcode opcode,
        in ReadOnlySequence<byte> payload,
        string? key,
        SharedFramesPool pool,
        IMessageCopies? copies = null)
        => _publications.Add(target, except, opcode, payload, key, copies, pool);

    /// <summary>Delivers the publications batched so far to every member.</summary>
    internal void WalkPublications() => _publications.Deliver();
}
