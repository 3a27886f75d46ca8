using System.Diagnostics;

namespace Weir.Timing;

/// <summary>
/// A circular list of timer nodes; the list object is its own sentinel. So a node leaves whichever list it is in (any slot, or
/// the nodes about to be called) with two writes and without a reference to the list. Guarded by the wheel's lock.
/// </summary>
internal sealed class TimerList : TimerNode
{
    public TimerList()
    {
        Previous = this;
        Next = this;
    }

    public TimerNode? First => ReferenceEquals(Next, this) ? null : Next;

    public void Append(TimerNode node)
    {
        Debug.Assert(!node.IsScheduled, "A node is in one list at a time.");
        TimerNode last = Previous!;
        node.Previous = last;
        node.Next = this;
        last.Next = node;
        Previous = node;
    }

    public static void Remove(TimerNode node)
    {
        Debug.Assert(node.IsScheduled && node is not TimerList, "Only a linked node can be removed.");
        node.Previous!.Next = node.Next;
        node.Next!.Previous = node.Previous;
        node.Previous = null;
        node.Next = null;
    }

    /// <summary>
    /// Appends all nodes of <paramref name="other"/> in their order and leaves it empty, in constant time.
    /// </summary>
    public void TakeAll(TimerList other)
    {
        if (other.First is not { } first)
        {
            return;
        }

        TimerNode otherLast = other.Previous!;
        TimerNode last = Previous!;
        last.Next = first;
        first.Previous = last;
        otherLast.Next = this;
        Previous = otherLast;
        other.Previous = other;
        other.Next = other;
    }

    protected internal override void OnExpired() => throw new UnreachableException("A sentinel never expires.");
}
