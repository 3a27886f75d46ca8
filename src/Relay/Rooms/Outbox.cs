using System.Diagnostics;

namespace Weir.Relay.Rooms;

/// <summary>
/// The publications of this node in one room that have not been announced yet, in the order of their calls, which is the order in which the
/// broker announces them. Serves to leave out the publisher and to deliver each publication once. Thread-safe.
/// </summary>
/// <remarks>A linked list through the entries: the announced one is nearly always the first.</remarks>
internal sealed class Outbox(int maxInFlight)
{
    // Publishes whose announcement was lost stay until a later one of this node is announced: a broker whose link for announcements is down
    // can accept many meanwhile. If one that was dropped here is announced, its publisher is sent it too.
    internal const int MaxKept = 4096;

    private Dictionary<long, PendingPublish>? _remembered;
    private PendingPublish? _first;
    private PendingPublish? _last;
    private int _count;

    /// <summary>The lock that makes the order here the order at the broker: held from the numbering to the call's return.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The room's publish permits.</summary>
    public SemaphoreSlim PublishPermits { get; } = new(maxInFlight);

    public int Count => Volatile.Read(ref _count);

    /// <summary>Adds the newest one.</summary>
    /// <returns>The oldest one, if it was dropped; else <c>null</c>.</returns>
    public PendingPublish? AddInsideLock(PendingPublish entry)
    {
        Debug.Assert(Gate.IsHeldByCurrentThread);
        PendingPublish? dropped = null;
        if (_count >= MaxKept)
        {
            dropped = _first!;
            UnlinkInsideLock(null, dropped);
        }

        if (_last is null)
        {
            _first = entry;
        }
        else
        {
            _last.Next = entry;
        }

        _last = entry;
        _count++;
        return dropped;
    }

    /// <summary>
    /// The publication of that number has been announced: removes it, and all older ones. The broker numbers and announces in the order
    /// of the calls, so the announcement of none of them is still to come.
    /// </summary>
    /// <param name="sequence">The node's number for it.</param>
    /// <param name="overtaken">
    /// Receives the older ones, oldest first: stored, and the announcement was lost; or failed; or unanswered, and then one of both.
    /// </param>
    public PendingPublish? TakeAnnounced(long sequence, List<PendingPublish> overtaken)
    {
        lock (Gate)
        {
            while (_first is { } entry && entry.Publication.NodeSequence <= sequence)
            {
                UnlinkInsideLock(null, entry);
                if (entry.Publication.NodeSequence == sequence)
                {
                    return entry;
                }

                RememberInsideLock(entry);
                overtaken.Add(entry);
            }

            return _remembered?.Remove(sequence, out PendingPublish? late) == true ? late : null;
        }
    }

    /// <summary>Whether the publication of that number has a skipped offset before it.</summary>
    public bool IsAfterLoss(long sequence)
    {
        lock (Gate)
        {
            for (PendingPublish? entry = _first; entry is not null; entry = entry.Next)
            {
                if (entry.Publication.NodeSequence == sequence)
                {
                    return entry.Publication.IsAfterLoss;
                }
            }

            return false;
        }
    }

    /// <summary>The oldest one; <c>null</c> if there is none.</summary>
    public PendingPublish? First
    {
        get
        {
            lock (Gate)
            {
                return _first;
            }
        }
    }

    /// <summary>Copies all that have not been announced, oldest first.</summary>
    public void CopyTo(List<PendingPublish> entries)
    {
        lock (Gate)
        {
            for (PendingPublish? entry = _first; entry is not null; entry = entry.Next)
            {
                entries.Add(entry);
            }
        }
    }

    /// <summary>Removes an entry that no longer waits for its announcement.</summary>
    /// <param name="entry">An entry, which may have been removed already.</param>
    /// <param name="mayComeLate">
    /// Its announcement may come all the same, after a later one's: it is remembered for that, so that it is recognized then.
    /// </param>
    public void Remove(PendingPublish entry, bool mayComeLate)
    {
        lock (Gate)
        {
            PendingPublish? previous = null;
            for (PendingPublish? each = _first; each is not null; previous = each, each = each.Next)
            {
                if (ReferenceEquals(each, entry))
                {
                    UnlinkInsideLock(previous, each);
                    if (mayComeLate)
                    {
                        RememberInsideLock(entry);
                    }

                    return;
                }
            }
        }
    }

    private void RememberInsideLock(PendingPublish entry)
    {
        Debug.Assert(Gate.IsHeldByCurrentThread);
        _remembered ??= [];
        if (_remembered.Count >= MaxKept)
        {
            _remembered.Clear(); // they belong to an outage long ago
        }

        _remembered[entry.Publication.NodeSequence] = entry;
    }

    private void UnlinkInsideLock(PendingPublish? previous, PendingPublish entry)
    {
        if (previous is null)
        {
            _first = entry.Next;
        }
        else
        {
            previous.Next = entry.Next;
        }

        if (ReferenceEquals(_last, entry))
        {
            _last = previous;
        }

        entry.Next = null; // a remembered entry holds no others
        _count--;
    }
}
