namespace Weir.Brokers.Postgres.Announcing;

/// <summary>
/// Delivers the batches of each lane once, in the order of their numbers, which are dense: those of this node from memory, all others as
/// they are read. Thread-safe.
/// </summary>
/// <remarks>
/// A batch is delivered inside the lane's lock by the thread that has it, because a sink only queues. What is not next waits for what is
/// before it.
/// </remarks>
internal sealed class AnnouncementOrder(AnnouncementTarget target)
{
    private readonly Lane[] _lanes = [new(), new()];
    private string _generation = "";
    private int _session;

    /// <summary>
    /// Begins, or continues after the connections were lost: from the last number, if the announcements are still the same ones, so that
    /// none is missed; else from the newest.
    /// </summary>
    /// <param name="generation">Another one if the server has lost its announcements.</param>
    /// <param name="heads">The last number of each lane.</param>
    /// <returns>The number of the session: what comes from an earlier one is ignored.</returns>
    public int Begin(string generation, long[] heads)
    {
        bool isSame = generation == _generation;
        int session = Interlocked.Increment(ref _session);
        _generation = generation;
        for (int i = 0; i < _lanes.Length; i++)
        {
            lock (_lanes[i].Gate)
            {
                _lanes[i].Session = session;
                _lanes[i].Waiting.Clear();
                if (!isSame || _lanes[i].IsBroken || heads[i] < _lanes[i].Last)
                {
                    _lanes[i].Last = heads[i];
                    _lanes[i].IsBroken = false;
                }
            }
        }

        return session;
    }

    /// <summary>The number of the last batch that was delivered.</summary>
    public long LastOf(int lane)
    {
        lock (_lanes[lane].Gate)
        {
            return _lanes[lane].Last;
        }
    }

    /// <summary>Processes a batch; returns <c>false</c> if batches before it must be read first.</summary>
    public bool Add(int session, int lane, long number, IAnnouncedBatch batch)
    {
        Lane of = _lanes[lane];
        lock (of.Gate)
        {
            if (session != of.Session || number <= of.Last)
            {
                return true; // read in the meantime, as this node's own may be before its answer comes
            }

            if (number > of.Last + 1)
            {
                of.Waiting[number] = batch;
                return false;
            }

            DeliverInsideLock(of, batch);
            while (of.Waiting.Remove(of.Last + 1, out IAnnouncedBatch? next))
            {
                DeliverInsideLock(of, next);
            }

            return of.Waiting.Count == 0;
        }
    }

    /// <summary>
    /// Batches between the last one and this one are no longer there: reads begin with the newest when the connections are made again.
    /// </summary>
    public void Break(int session, int lane)
    {
        lock (_lanes[lane].Gate)
        {
            _lanes[lane].IsBroken |= session == _lanes[lane].Session;
        }
    }

    private void DeliverInsideLock(Lane lane, IAnnouncedBatch batch)
    {
        lane.Last++;
        target.OnBatchBegins();
        try
        {
            batch.Deliver(target);
        }
        finally
        {
            target.OnBatchEnded();
        }
    }

    private sealed class Lane
    {
        public readonly Lock Gate = new();
        public readonly Dictionary<long, IAnnouncedBatch> Waiting = [];
        public int Session;
        public long Last;
        public bool IsBroken;
    }
}
