using System.Buffers;
using System.Diagnostics;
using Weir.Relay.Brokers;
using Weir.Relay.Diagnostics;
using Weir.Rooms;

namespace Weir.Relay.Rooms;

// The inbox and its processing. Events come from any thread; one work item at most takes them out in blocks, on the thread pool or at the
// end of a connection's pass. Messages that are delivered meanwhile are collected in one array of shared frames, as long as they are for
// the same members, so that a member gets a burst with one copy and one flush.
internal sealed partial class RoomEventLoop : IThreadPoolWorkItem
{
    // Announcements beyond it are dropped: a room with history finds them there again, one without has at-most-once delivery.
    internal const int MaxInbox = 16 * 1024;

    // From here on a publisher of this node waits until half of it is processed, as it would for the members themselves.
    internal const int CongestedAt = 1024;

    private const int BlockSize = 128;

    private readonly Lock _inboxGate = new();
    private readonly Queue<RoomEvent> _inbox = new();
    private readonly PublicationBatch _batch;
    private TaskCompletionSource? _relieved;
    private bool _isRunning;
    private bool _hasWarnedOfFullInbox;

    public bool IsCongested
    {
        get
        {
            lock (_inboxGate)
            {
                return _inbox.Count >= CongestedAt;
            }
        }
    }

    public void Post(in RoomEvent posted)
    {
        bool mustStart;
        lock (_inboxGate)
        {
            if (posted.Of == RoomEvent.Kind.Announced && _inbox.Count >= MaxInbox)
            {
                OnInboxFullInsideLock();
                return;
            }

            _inbox.Enqueue(posted);
            mustStart = !_isRunning;
            _isRunning = true;
        }

        if (mustStart)
        {
            RoomEventBatch.Start(this);
        }
    }

    /// <summary>Queues it to the thread pool. Only if an event was posted and it does not run yet.</summary>
    internal void Start() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    /// <summary>Completes when the inbox is no longer congested.</summary>
    public Task WhenRelievedAsync()
    {
        lock (_inboxGate)
        {
            if (_inbox.Count < CongestedAt)
            {
                return Task.CompletedTask;
            }

            _relieved ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _relieved.Task;
        }
    }

    void IThreadPoolWorkItem.Execute()
    {
        RoomEvent[] block = ArrayPool<RoomEvent>.Shared.Rent(BlockSize);
        int taken = Take(block);
        for (int i = 0; i < taken; i++)
        {
            try
            {
                Handle(block[i]);
            }
            catch (Exception error)
            {
                RelayLog.EventFailed(_node.Logger, error, Name);
            }
        }

        _batch.Deliver();
        Notify(static (audience, room, _) => audience.OnPause(room), 0);
        ArrayPool<RoomEvent>.Shared.Return(block, clearArray: true);
        lock (_inboxGate)
        {
            if (_inbox.Count == 0)
            {
                _isRunning = false;
                return;
            }
        }

        Start(); // other rooms have their turn in between
    }

    private int Take(RoomEvent[] block)
    {
        TaskCompletionSource? relieved = null;
        int taken = 0;
        lock (_inboxGate)
        {
            while (taken < BlockSize && _inbox.TryDequeue(out block[taken]))
            {
                taken++;
            }

            if (_relieved is not null && _inbox.Count <= CongestedAt / 2)
            {
                relieved = _relieved;
                _relieved = null;
            }
        }

        relieved?.TrySetResult();
        return taken;
    }

    private void OnInboxFullInsideLock()
    {
        Debug.Assert(_inboxGate.IsHeldByCurrentThread);
        _node.Metrics.Dropped();
        if (!_hasWarnedOfFullInbox)
        {
            _hasWarnedOfFullInbox = true;
            RelayLog.InboxFull(_node.Logger, Name);
        }
    }

    private void DeliverToMembers(Publication publication, IRoomMember? except)
    {
        // A room without references, or created for a publish alone, is no longer the one of its name: its members belong to another.
        if (_room.Subscription.IsReferenced && _room.TryGetMembers(out Room? members))
        {
            MessageCopies? copies = publication is { Message: not 0, Node: { } node } ? _node.Copies.Of(node, publication.Message) : null;
            _batch.Add(members, publication.Data.Span, publication.Kind, except, publication.Key, copies);
        }
    }

    private void DeliverToAudiences(Publication publication, IRoomMember? except)
    {
        if (publication.Offset == 0 && Rule.KeepsHistory && publication.Node == _node.NodeId)
        {
            _withoutOffsetAt = _sequence.Position.Offset;
        }

        Notify(static (audience, room, what) => audience.OnPublication(room, what.publication, what.except), (publication, except));
    }

    private void Notify<T>(Action<IRoomAudience, LocalRoom, T> call, T what)
    {
        foreach (IRoomAudience audience in _audiences)
        {
            try
            {
                call(audience, _room, what);
            }
            catch (Exception error)
            {
                RelayLog.AudienceFailed(_node.Logger, error, Name);
            }
        }
    }
}
