using System.Diagnostics.CodeAnalysis;
using Weir.Sending;
using Weir.Threading;

namespace Weir.Rooms;

/// <summary>
/// The copies of one message published to several rooms: records which rooms have sent theirs, so that a connection in more than
/// one of them is sent one copy. Thread-safe.
/// </summary>
/// <remarks>
/// <para>One object per message: it is passed to <see cref="Room"/> or <see cref="PublicationBatch"/> with each of its copies.</para>
/// <para>Connections are not listed. A room registers its iteration before it sends, with its join era at that moment; a
/// connection was sent the message if one of its rooms registered earlier, in an era no older than the connection's membership.
/// So the state grows with the rooms, not with their members, and two rooms may be iterated concurrently.</para>
/// <para>An iteration begins when those registered earlier have completed: a connection that is left to them has its copy by then, so
/// that the next message of this room does not overtake it. An iteration never waits once it has begun, so each wait ends.</para>
/// </remarks>
[Experimental("WEIR001")]
public sealed class MessageCopies : IMessageCopies
{
    // Far above the time of an iteration. It only ends the wait of a thread that is called from within an earlier iteration.
    private static readonly TimeSpan _longestWait = TimeSpan.FromSeconds(1);

    private readonly Dictionary<Room, Iteration> _iterations = [];
    private int _completed;
    private int _waiting;
    private LightLock _gate;

    /// <summary>Registers the iteration of a room.</summary>
    /// <param name="room">The room that is about to send its copy.</param>
    /// <param name="era">Members that joined in this era of the room, or before, are sent the copy.</param>
    /// <returns>The position in the order of registration, for <see cref="HasSent"/>.</returns>
    internal int Register(Room room, uint era)
    {
        using (_gate.Hold(this))
        {
            int order = _iterations.Count;
            _iterations.TryAdd(room, new Iteration(era, order));
            return order;
        }
    }

    /// <summary>The number of iterations that wait for earlier ones.</summary>
    internal int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Waits until the iterations registered before <paramref name="order"/> have completed.</summary>
    internal void WaitForEarlier(int order)
    {
        if (Volatile.Read(ref _completed) < order)
        {
            Wait(order);
        }
    }

    /// <summary>A registered iteration has sent its copies.</summary>
    internal void Complete() => Interlocked.Increment(ref _completed);

    /// <summary>Returns whether an iteration registered before <paramref name="order"/> sends to the holder of a membership.</summary>
    internal bool HasSent(Membership membership, int order)
    {
        using (_gate.Hold(this))
        {
            return _iterations.TryGetValue(membership.Room, out Iteration iteration)
                && iteration.Order < order
                && !membership.IsNewerThan(iteration.Era);
        }
    }

    // Apart from its caller, which would otherwise allocate the closure also if there is nothing to wait for.
    private void Wait(int order)
    {
        Interlocked.Increment(ref _waiting);
        SpinWait.SpinUntil(() => Volatile.Read(ref _completed) >= order, _longestWait);
        Interlocked.Decrement(ref _waiting);
    }

    private readonly record struct Iteration(uint Era, int Order);
}
