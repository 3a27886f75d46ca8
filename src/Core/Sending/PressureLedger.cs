using System.Diagnostics;

namespace Weir.Sending;

/// <summary>
/// The bytes queued by all connections of a node, against one budget: many clients that are each a little slow must not fill the
/// memory either. Beyond the budget the connections with the most queued bytes are closed first.
/// </summary>
/// <remarks>
/// Only connections with a queue are listed, so a node whose clients keep up has no cost. Lock order: a sender's gate,
/// then the ledger's. Shedding takes the senders out of the list first and closes them outside the ledger's lock.
/// </remarks>
internal sealed class PressureLedger(long budgetBytes)
{
    private readonly Lock _gate = new();
    private readonly List<ConnectionSender> _waiting = [];
    private long _bytes;
    private int _isShedding;

    /// <summary>Bytes in all queues.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Connections that have a queue.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Whether <see cref="Shed"/> must be called. A budget of 0 is no limit.</summary>
    public bool IsOverBudget => budgetBytes > 0 && Bytes > budgetBytes;

    public void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);

    /// <summary>Adds a sender that has rented a queue. Its gate is held.</summary>
    public void Enter(ConnectionSender sender)
    {
        lock (_gate)
        {
            Debug.Assert(sender.LedgerIndex < 0);
            sender.LedgerIndex = _waiting.Count;
            _waiting.Add(sender);
        }
    }

    /// <summary>Removes a sender that has returned its queue. Its gate is held.</summary>
    public void Leave(ConnectionSender sender)
    {
        lock (_gate)
        {
            int index = sender.LedgerIndex;
            if (index < 0)
            {
                return;
            }

            ConnectionSender last = _waiting[^1];
            _waiting[index] = last;
            last.LedgerIndex = index;
            _waiting.RemoveAt(_waiting.Count - 1);
            sender.LedgerIndex = -1;
        }
    }

    /// <summary>
    /// Closes the connections with the most queued bytes as too slow until nine tenths of the budget remain. One thread does it;
    /// others that find the budget exceeded meanwhile return. Call it with no gate held.
    /// </summary>
    public void Shed()
    {
        if (Interlocked.Exchange(ref _isShedding, 1) != 0)
        {
            return;
        }

        try
        {
            long excess = Bytes - (budgetBytes / 10 * 9);
            foreach (ConnectionSender victim in WorstFirst())
            {
                if (excess <= 0)
                {
                    break;
                }

                excess -= victim.CloseAsTooSlow();
            }
        }
        finally
        {
            Volatile.Write(ref _isShedding, 0);
        }
    }

    private ConnectionSender[] WorstFirst()
    {
        ConnectionSender[] senders;
        lock (_gate)
        {
            senders = [.. _waiting];
        }

        // Read without their gates: sizes may change during the sort, and an approximate order is enough.
        long[] sizes = Array.ConvertAll(senders, static sender => -sender.QueuedBytes);
        Array.Sort(sizes, senders);
        return senders;
    }
}
