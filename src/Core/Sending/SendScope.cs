using System.Buffers;
using Weir.Diagnostics;
using Weir.Framing;
using Weir.Rooms;

namespace Weir.Sending;

/// <summary>
/// One pass of a receive loop over the bytes that had arrived. What the handler sends meanwhile is gathered: each
/// connection it wrote to is flushed once, at the end, and messages published to one room are walked through its members
/// together, so that a member gets 30 messages with one copy, one gate and one flush.
/// </summary>
/// <remarks>
/// Bound to its thread. The loop leaves the scope before it awaits anything, so a handler that goes asynchronous has its
/// sends flushed first, and what it sends after its await is flushed at once. Order is kept: anything that
/// would overtake a gathered publication (a direct send, a close, another room, a member that comes or goes) walks the
/// publications first.
/// </remarks>
internal sealed class SendScope
{
    // One scope per thread serves all passes on it. Only an inline pipe scheduler can begin a pass inside another.
    [ThreadStatic]
    private static SendScope? _ofThread;

    /// <summary>What was sent to connections one by one; added to the counters at the end of the pass.</summary>
    public TrafficTally Sent;

    private readonly Queue<IThreadPoolWorkItem> _putOff = new();
    private ConnectionSender[] _deferred = new ConnectionSender[16];
    private int _deferredCount;
    private IPublicationTarget? _target;
    private object? _except;
    private string? _key;
    private MessageCopies? _copies;
    private FrameRun? _run;
    private SendScope? _outer;
    private ConnectionSender? _owner;
    private bool _ownerHasSent;
    private bool _isOpen;

    /// <summary>The scope open on this thread; null outside of a pass.</summary>
    public static SendScope? Current => _ofThread is { _isOpen: true } scope ? scope : null;

    /// <summary>
    /// True when the connection whose bytes are being handled has answered, on this pass, with more than its own transport
    /// takes. Its loop should stop here: reading on would only pile up answers for a client that does not take them.
    /// </summary>
    public bool OwnerMustWait => _ownerHasSent && _owner!.IsBusy;

    /// <summary>Whether something was published that nobody has been sent yet.</summary>
    public bool HasPublications => _run is not null;

    /// <param name="owner">The connection whose received bytes the pass is about.</param>
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

    /// <summary>Walks and flushes all that was gathered. Must be called on the thread that entered.</summary>
    public void Exit()
    {
        int flushed = 0;
        do
        {
            while (_putOff.TryDequeue(out IThreadPoolWorkItem? work))
            {
                work.Execute();
            }

            WalkPublications();
            // Index by index: a flush may run a pipe's reader inline, which may send or publish and so add to this scope.
            for (; flushed < _deferredCount; flushed++)
            {
                ConnectionSender sender = _deferred[flushed];
                _deferred[flushed] = null!;
                sender.FlushDeferred();
            }
        }
        while (_run is not null || _putOff.Count > 0);

        Sent.Add();
        _deferredCount = 0;
        _owner = null;
        _isOpen = false;
        if (_outer is { } outer)
        {
            _ofThread = outer;
        }
    }

    /// <summary>Has work done on this thread at the end of the pass, before what was sent is flushed. It must not throw.</summary>
    public void PutOff(IThreadPoolWorkItem work) => _putOff.Enqueue(work);

    public void Defer(ConnectionSender sender)
    {
        if (_deferredCount == _deferred.Length)
        {
            Array.Resize(ref _deferred, _deferredCount * 2);
        }

        _deferred[_deferredCount++] = sender;
    }

    /// <summary><paramref name="sender"/> was given a message of its own (not a room's).</summary>
    public void NoteSent(ConnectionSender sender) => _ownerHasSent |= ReferenceEquals(sender, _owner);

    /// <summary>Gathers one message for all members of <paramref name="target"/> but <paramref name="except"/>.</summary>
    public void Publish(
        IPublicationTarget target,
        object? except,
        Opcode opcode,
        in ReadOnlySequence<byte> payload,
        string? key,
        FrameRunPool runs,
        MessageCopies? copies = null)
    {
        int size = FrameHeader.MaxUnmaskedLength + checked((int)payload.Length);
        // A keyed message may be replaced, and a copy may be left out for some members, so these need a run of their own.
        bool standsAlone = key is not null || _key is not null || copies is not null || _copies is not null;
        if (_run is not null && (standsAlone || !ReferenceEquals(_target, target) || !ReferenceEquals(_except, except) || _run.Free < size))
        {
            WalkPublications();
        }

        _target = target;
        _except = except;
        _key = key;
        _copies = copies;
        _run ??= runs.Rent(Math.Max(size, ConnectionSender.ChunkBytes / 2));
        _run.Append(opcode, payload);
    }

    /// <summary>Hands what was published so far to every member.</summary>
    public void WalkPublications()
    {
        if (_run is not { } run)
        {
            return;
        }

        IPublicationTarget target = _target!;
        object? except = _except;
        string? key = _key;
        MessageCopies? copies = _copies;
        _key = null;
        _copies = null;
        _run = null;
        _target = null;
        _except = null;
        target.Deliver(run, except, key, copies);
        run.Release();
    }
}
