using System.Runtime.InteropServices;

namespace Weir.Relay.Rooms;

/// <summary>
/// Up to where a room with history has been delivered on this node, and what to do with what comes: pure bookkeeping, no
/// I/O. Belongs to the room's drain; not thread-safe.
/// </summary>
/// <remarks>
/// Announcements are at most once and in order. One whose number is not the next shows a gap: it is held, with all that
/// follow, until a read of the history has filled the gap or shown that it cannot be filled. So are the first ones, until a
/// read has shown where the room is.
/// </remarks>
internal sealed class RoomSequence
{
    /// <summary>The most that is held; beyond it all of it is let go, since the history has it too.</summary>
    internal const int MaxHeld = 4096;

    // A history that lags behind the announcements is read again, but not for ever.
    private const int MostFruitlessReads = 3;

    private const long Unknown = -1;

    private readonly List<(Publication Publication, string Epoch)> _held = [];
    private long _offset = Unknown;
    private long _announced;
    private int _fruitlessReads;

    /// <summary>What an announcement amounts to.</summary>
    public enum Verdict
    {
        /// <summary>The next one.</summary>
        Deliver,

        /// <summary>Delivered before, from the history.</summary>
        Known,

        /// <summary>Held: the history must be read.</summary>
        Held,

        /// <summary>
        /// The broker announced a number again, for something else: to be delivered, after the loss of the position
        /// before it was told.
        /// </summary>
        DeliverAfterLoss,
    }

    public string Epoch { get; private set; } = "";

    public bool IsKnown => _offset != Unknown;

    /// <summary>Nothing is held back.</summary>
    public bool IsFlowing => _held.Count == 0;

    /// <summary>The last publication delivered; offset 0 when it is not known.</summary>
    public StreamPosition Position => new(Epoch, Math.Max(0, _offset));

    /// <summary>Nobody is there who heard anything: begins anew with whatever comes.</summary>
    public void Reset()
    {
        _held.Clear();
        _offset = Unknown;
        _announced = 0;
        _fruitlessReads = 0;
        Epoch = "";
    }

    public Verdict OnAnnounced(Publication publication, string epoch)
    {
        bool isSameEpoch = IsKnown && epoch == Epoch;
        if (isSameEpoch && publication.Offset <= _announced)
        {
            _held.Clear();
            _announced = publication.Offset;
            _offset = publication.Offset;
            return Verdict.DeliverAfterLoss;
        }

        _announced = isSameEpoch ? publication.Offset : _announced;
        if (_held.Count == 0 && isSameEpoch && publication.Offset <= _offset + 1)
        {
            bool isNext = publication.Offset == _offset + 1;
            _offset = Math.Max(_offset, publication.Offset);
            return isNext ? Verdict.Deliver : Verdict.Known;
        }

        if (_held.Count == MaxHeld)
        {
            _held.Clear();
        }

        _held.Add((publication, epoch));
        return Verdict.Held;
    }

    /// <summary>Takes in what was read.</summary>
    /// <param name="history">
    /// Publications after a place not beyond <paramref name="began"/>; all of them, if of an epoch that does not hold that place.
    /// </param>
    /// <param name="began">The position when the read began.</param>
    /// <param name="deliver">Gets what is to be delivered now, in order.</param>
    public Result OnHistory(RoomHistory history, StreamPosition began, List<Publication> deliver)
    {
        StreamPosition top = history.Top;
        StreamPosition before = Position;
        PositionLoss? loss = null;
        if (!IsKnown)
        {
            // Announced since the subscription, so somebody here may wait for it even if the read has it too.
            bool hasHeld = _held.Count > 0 && _held[0].Epoch == top.Epoch;
            Epoch = top.Epoch;
            _offset = hasHeld ? Math.Min(top.Offset, _held[0].Publication.Offset - 1) : top.Offset;
        }
        else
        {
            if (top.Epoch != Epoch)
            {
                // What is held under the old one the history has too, or it is gone.
                _held.RemoveAll(held => held.Epoch == before.Epoch);
            }

            if (top.Epoch != Epoch && history.Holds(before))
            {
                // Another name, and nothing lost.
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
                // The run without a gap that ends at the top: anything less would be a gap later on.
                int start = StartOfRun(history);
                long beforeRun = start < history.Publications.Count ? history.Publications[start].Offset - 1 : top.Offset;
                if (isNewEpoch || beforeRun > _offset)
                {
                    loss = isNewEpoch ? PositionLoss.EpochChanged : PositionLoss.Trimmed;
                    // What both epochs have was heard under the old one.
                    _offset = Math.Max(beforeRun, isNewEpoch ? history.LastInCommonWith(Epoch) : beforeRun);
                    Epoch = top.Epoch;
                    _announced = isNewEpoch ? 0 : _announced;
                }
            }
        }

        StreamPosition from = Position;
        foreach (Publication publication in history.Publications)
        {
            if (publication.Offset == _offset + 1 && top.Epoch == Epoch)
            {
                _offset++;
                deliver.Add(publication);
            }
        }

        Release(deliver);
        _fruitlessReads = _held.Count == 0 || Position != before ? 0 : _fruitlessReads + 1;
        if (_fruitlessReads > MostFruitlessReads)
        {
            (Publication first, string epoch) = _held[0];
            loss ??= epoch == Epoch ? PositionLoss.Trimmed : PositionLoss.EpochChanged;
            deliver.Clear();
            Epoch = epoch;
            _offset = first.Offset - 1;
            from = Position;
            Release(deliver);
            _fruitlessReads = 0;
        }

        return new Result(loss, from, MustReadAgain: _held.Count > 0 || (top.Epoch == Epoch && _offset < top.Offset));
    }

    /// <summary>The history cannot be read: where nothing was heard before, what was announced first is taken as it is.</summary>
    public void OnHistoryNotRead(List<Publication> deliver)
    {
        if (!IsKnown && _held.Count > 0)
        {
            (Publication first, string epoch) = _held[0];
            Epoch = epoch;
            _offset = first.Offset - 1;
            Release(deliver);
        }
    }

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

    // Takes from the held ones what is next, and drops what has come from the history.
    private void Release(List<Publication> deliver)
    {
        int done = 0;
        foreach ((Publication publication, string epoch) in CollectionsMarshal.AsSpan(_held))
        {
            if (epoch != Epoch || publication.Offset > _offset + 1)
            {
                break;
            }

            if (publication.Offset == _offset + 1)
            {
                _offset++;
                deliver.Add(publication);
            }

            _announced = Math.Max(_announced, publication.Offset);
            done++;
        }

        _held.RemoveRange(0, done);
    }

    /// <param name="Loss">Why publications before <paramref name="From"/> are lost; null when none are.</param>
    /// <param name="From">The position before what is to be delivered.</param>
    /// <param name="MustReadAgain">Something is still held, or missing.</param>
    public readonly record struct Result(PositionLoss? Loss, StreamPosition From, bool MustReadAgain);
}
