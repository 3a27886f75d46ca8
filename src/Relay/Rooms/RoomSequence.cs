using System.Runtime.InteropServices;
using Weir.Relay.Brokers;

namespace Weir.Relay.Rooms;

/// <summary>
/// The position up to which a room with history has been delivered on this node, and the disposition of announcements: no I/O. Belongs to
/// the room's event loop; not thread-safe.
/// </summary>
/// <remarks>
/// Announcements are at most once and in order. One whose offset is not the next shows a gap: it is held, with all that follow, until a
/// read of the history has filled the gap or shown that it cannot be filled. So are the first ones, until a read has returned the room's
/// position.
/// </remarks>
internal sealed class RoomSequence
{
    /// <summary>The most publications held; beyond it all of them are released, since the history has them too.</summary>
    internal const int MaxHeld = 4096;

    // A history that lags behind the announcements is read again, but not indefinitely.
    private const int MostFruitlessReads = 3;

    private const long Unknown = -1;

    private readonly List<(Publication Publication, string Epoch)> _held = [];
    private long _offset = Unknown;
    private long _announced;
    private int _fruitlessReads;
    private int _heldAtLastRead; // the number held when a read completed: the next one has begun after them

    /// <summary>The disposition of an announcement.</summary>
    public enum Disposition
    {
        /// <summary>The next one.</summary>
        Deliver,

        /// <summary>Delivered before, from the history.</summary>
        Known,

        /// <summary>Held: the history must be read.</summary>
        Held,

        /// <summary>
        /// The broker announced an offset again, for another publication: deliver it, after notifying of the loss of the position before
        /// it.
        /// </summary>
        DeliverAfterLoss,
    }

    public string Epoch { get; private set; } = "";

    public bool IsKnown => _offset != Unknown;

    /// <summary>No publication is held.</summary>
    public bool IsFlowing => _held.Count == 0;

    /// <summary>The position of the last publication delivered; offset 0 if unknown.</summary>
    public StreamPosition Position => new(Epoch, Math.Max(0, _offset));

    /// <summary>The room has no member that was given a publication: begins again with the next one.</summary>
    public void Reset()
    {
        ClearHeld();
        _offset = Unknown;
        _announced = 0;
        _fruitlessReads = 0;
        Epoch = "";
    }

    /// <summary>
    /// Processes an announcement; it has no offset if the broker could not store it, and keeps its position in the order all the same.
    /// </summary>
    public Disposition OnAnnounced(Publication publication, string epoch)
    {
        if (publication.Offset == 0)
        {
            if (IsKnown && _held.Count == 0)
            {
                return Disposition.Deliver;
            }

            Hold(publication, epoch);
            return Disposition.Held;
        }

        bool isSameEpoch = IsKnown && epoch == Epoch;
        if (isSameEpoch && publication.Offset <= _announced)
        {
            ClearHeld();
            _announced = publication.Offset;
            _offset = publication.Offset;
            return Disposition.DeliverAfterLoss;
        }

        _announced = isSameEpoch ? publication.Offset : _announced;
        if (_held.Count == 0 && isSameEpoch && publication.Offset <= _offset + 1)
        {
            bool isNext = publication.Offset == _offset + 1;
            _offset = Math.Max(_offset, publication.Offset);
            return isNext ? Disposition.Deliver : Disposition.Known;
        }

        Hold(publication, epoch);
        return Disposition.Held;
    }

    private void ClearHeld()
    {
        _held.Clear();
        _heldAtLastRead = 0;
    }

    private void Hold(Publication publication, string epoch)
    {
        if (_held.Count == MaxHeld)
        {
            ClearHeld();
        }

        _held.Add((publication, epoch));
    }

    /// <summary>Processes the result of a read.</summary>
    /// <param name="history">
    /// Publications after a position not beyond <paramref name="began"/>; all of them, if of an epoch that does not hold that position.
    /// </param>
    /// <param name="began">The position when the read began.</param>
    /// <param name="deliver">Receives the publications to deliver now, in order.</param>
    public Result OnHistory(RoomHistory history, StreamPosition began, List<Publication> deliver)
    {
        StreamPosition top = history.Top;
        StreamPosition before = Position;
        DropStale(top.Epoch);
        PositionLoss? loss = null;
        int beforeLoss = 0;
        if (!IsKnown)
        {
            // Announced since the subscription, so a member may wait for it even if the read has it too.
            (Publication? first, string firstEpoch) = FirstNumbered();
            Epoch = top.Epoch;
            _offset = first is not null && firstEpoch == top.Epoch ? Math.Min(top.Offset, first.Offset - 1) : top.Offset;
        }
        else
        {
            if (top.Epoch != Epoch)
            {
                // Publications held under the old epoch are in the history too, or lost.
                _held.RemoveAll(held => held.Epoch == before.Epoch);
            }

            if (top.Epoch != Epoch && history.Holds(before))
            {
                // Another epoch without a loss.
                Epoch = top.Epoch;
                _announced = _offset;
            }

            bool isNewEpoch = top.Epoch != Epoch;
            if (!isNewEpoch && top.Offset < began.Offset)
            {
                loss = PositionLoss.RolledBack;
                _offset = top.Offset;
                _announced = Math.Min(_announced, top.Offset);
            }

            if (isNewEpoch || top.Offset > _offset)
            {
                // The gapless sequence that ends at the top: anything less would be a gap later on.
                int start = StartOfRun(history);
                long beforeRun = start < history.Publications.Count ? history.Publications[start].Offset - 1 : top.Offset;
                if (isNewEpoch || beforeRun > _offset)
                {
                    if (!isNewEpoch)
                    {
                        Fill(history.Publications, beforeRun, deliver); // those before the gap
                        beforeLoss = deliver.Count;
                    }

                    loss = isNewEpoch ? PositionLoss.EpochChanged : PositionLoss.Trimmed;
                    // Publications common to both epochs were delivered under the old one.
                    _offset = Math.Max(beforeRun, isNewEpoch ? history.LastInCommonWith(Epoch) : beforeRun);
                    Epoch = top.Epoch;
                    _announced = isNewEpoch ? 0 : _announced;
                }
            }
        }

        StreamPosition from = Position;
        Release(deliver, top.Epoch == Epoch ? history.Publications : []);
        _fruitlessReads = _held.Count == 0 || Position != before ? 0 : _fruitlessReads + 1;
        if (_fruitlessReads > MostFruitlessReads)
        {
            (Publication first, string epoch) = _held[0];
            loss ??= epoch == Epoch ? PositionLoss.Trimmed : PositionLoss.EpochChanged;
            deliver.Clear();
            beforeLoss = 0;
            Epoch = epoch;
            _offset = first.Offset - 1;
            from = Position;
            Release(deliver, []);
            _fruitlessReads = 0;
        }

        _heldAtLastRead = _held.Count;
        return new Result(loss, from, beforeLoss, MustReadAgain: _held.Count > 0 || (top.Epoch == Epoch && _offset < top.Offset));
    }

    /// <summary>The history cannot be read: if the position is unknown, the first announcement sets it.</summary>
    public void OnHistoryNotRead(List<Publication> deliver)
    {
        if (!IsKnown && FirstNumbered() is ({ } first, var epoch))
        {
            Epoch = epoch;
            _offset = first.Offset - 1;
        }

        Release(deliver, []);
        _heldAtLastRead = 0;
    }

    /// <summary>This node has skipped the next offset, after delivering publications without one.</summary>
    public void Skip(string epoch)
    {
        if (IsKnown && IsFlowing && epoch == Epoch)
        {
            _offset++;
            _announced = Math.Max(_announced, _offset);
        }
    }

    // A read that began after they were announced already returns another epoch, so theirs is over, and their offsets have no meaning in
    // the current one: they were lost with their epoch.
    private void DropStale(string epoch)
    {
        int stale = 0;
        for (int i = Math.Min(_heldAtLastRead, _held.Count) - 1; i >= 0; i--)
        {
            if (_held[i].Publication.Offset > 0 && _held[i].Epoch != epoch)
            {
                _held.RemoveAt(i);
                stale++;
            }
        }

        if (stale > 0)
        {
            _fruitlessReads = 0;
        }
    }

    private (Publication? Publication, string Epoch) FirstNumbered() => _held.Find(static held => held.Publication.Offset > 0);

    private static int StartOfRun(RoomHistory history)
    {
        IReadOnlyList<Publication> publications = history.Publications;
        int start = publications.Count;
        long expected = history.Top.Offset;
        while (start > 0 && publications[start - 1].Offset == expected)
        {
            start--;
            expected--;
        }

        return start;
    }

    // Releases those held ones that are next, with those of the history before each, and drops those that the history has delivered.
    private void Release(List<Publication> deliver, IReadOnlyList<Publication> history)
    {
        int done = 0;
        foreach ((Publication publication, string epoch) in CollectionsMarshal.AsSpan(_held))
        {
            if (publication.Offset > 0)
            {
                if (epoch != Epoch)
                {
                    break;
                }

                Fill(history, publication.Offset - 1, deliver);
                if (publication.Offset > _offset + 1)
                {
                    break;
                }

                _announced = Math.Max(_announced, publication.Offset);
            }

            if (publication.Offset == _offset + 1 || publication.Offset == 0)
            {
                _offset = Math.Max(_offset, publication.Offset);
                deliver.Add(publication);
            }

            done++;
        }

        _held.RemoveRange(0, done);
        Fill(history, long.MaxValue, deliver);
    }

    private void Fill(IReadOnlyList<Publication> history, long last, List<Publication> deliver)
    {
        foreach (Publication publication in history)
        {
            if (publication.Offset == _offset + 1 && publication.Offset <= last)
            {
                _offset++;
                deliver.Add(publication);
            }
        }
    }

    /// <param name="Loss">Why publications before <paramref name="From"/> are lost; <c>null</c> if none are.</param>
    /// <param name="From">The position before the publications to deliver after the loss.</param>
    /// <param name="BeforeLoss">The number of publications to deliver before the loss.</param>
    /// <param name="MustReadAgain">A publication is still held, or missing.</param>
    public readonly record struct Result(PositionLoss? Loss, StreamPosition From, int BeforeLoss, bool MustReadAgain);
}
