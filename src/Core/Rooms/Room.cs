using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Weir.Buffers;
using Weir.Diagnostics;
using Weir.Protocol;
using Weir.Sending;

namespace Weir.Rooms;

/// <summary>
/// A set of connections that receive the same messages. Created by a <see cref="RoomDirectory"/>; thread-safe.
/// </summary>
/// <remarks>
/// <para>Joining and leaving cost the same in a room of two and of two hundred thousand. A message is encoded once per publish
/// and copied from there into each member's transport; a member whose transport is busy keeps a reference. A slow member delays
/// no other.</para>
/// <para>Order: the messages that one thread (one connection's handler) publishes to a room reach every member in that order.
/// Between rooms, and between publishers, no order is guaranteed.</para>
/// </remarks>
public sealed class Room : IPublicationTarget
{
    // Members are copied in blocks of this size, so that no lock is held while they are written to.
    private const int BlockSize = 128;

    private readonly RoomDirectory _directory;
    private readonly Lock _gate = new();
    private readonly Stack<int> _freeSlots = new();
    private Membership?[] _slots = new Membership?[2];
    private int _usedSlots;
    private int _count;
    private int _iterators;
    private uint _era; // see MessageCopies
    private bool _isEraOver;
    private bool _vanished;

    internal Room(string name, RoomDirectory directory)
    {
        Name = name;
        _directory = directory;
    }

    /// <summary>The name by which members join.</summary>
    public string Name { get; }

    /// <summary>The current number of members.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Sends one message to every member but <paramref name="except"/>. Never waits for a member.</summary>
    /// <param name="payload">The message; copied before the call returns. Text must be valid UTF-8.</param>
    /// <param name="kind">Text or binary.</param>
    /// <param name="except">A member that is left out, usually the sender; <c>null</c> sends to all.</param>
    /// <param name="key">See <c>WeirConnection.Send</c>.</param>
    public void Publish(in ReadOnlySequence<byte> payload, MessageKind kind, IRoomMember? except = null, string? key = null)
        => Publish(payload, kind, except, key, copies: null);

    /// <inheritdoc cref="Publish(in ReadOnlySequence{byte}, MessageKind, IRoomMember?, string?)"/>
    public void Publish(ReadOnlyMemory<byte> payload, MessageKind kind, IRoomMember? except = null, string? key = null)
        => Publish(new ReadOnlySequence<byte>(payload), kind, except, key);

    /// <summary>
    /// Sends one message of which other rooms may be sent copies to every member but <paramref name="except"/> and those that were
    /// sent a copy already. Never waits for a member.
    /// </summary>
    /// <param name="payload">The message; copied before the call returns. Text must be valid UTF-8.</param>
    /// <param name="kind">Text or binary.</param>
    /// <param name="except">A member that is left out; <c>null</c> sends to all.</param>
    /// <param name="key">See <c>WeirConnection.Send</c>.</param>
    /// <param name="copies">The message's copies in other rooms; <c>null</c> if this is the only one.</param>
    [Experimental("WEIR001")]
    public void Publish(in ReadOnlySequence<byte> payload, MessageKind kind, IRoomMember? except, string? key, MessageCopies? copies)
    {
        SharedFramesPool pool = _directory.Frames;
        if (SendScope.Current is { } scope)
        {
            scope.Publish(this, except, (Opcode)kind, payload, key, pool, copies);
            return;
        }

        SharedFrames batch = pool.Rent(FrameHeader.MaxUnmaskedLength + checked((int)payload.Length));
        batch.Append((Opcode)kind, payload);
        Deliver(batch, except, key, copies);
        batch.Release();
    }

    void IPublicationTarget.Deliver(SharedFrames batch, object? except, string? key, IMessageCopies? copies)
        => Deliver(batch, except, key, (MessageCopies?)copies);

    internal bool TryAdd(Membership membership)
    {
        lock (_gate)
        {
            if (_vanished)
            {
                return false;
            }

            if (!_freeSlots.TryPop(out int slot))
            {
                slot = _usedSlots++;
                if (slot == _slots.Length)
                {
                    Array.Resize(ref _slots, slot * 2);
                }
            }

            if (_isEraOver)
            {
                _era++;
                _isEraOver = false;
            }

            membership.Era = _era;
            membership.Slot = slot;
            _slots[slot] = membership;
            _count++;
            return true;
        }
    }

    internal void Remove(Membership membership)
    {
        lock (_gate)
        {
            _slots[membership.Slot] = null;
            _freeSlots.Push(membership.Slot);
            _count--;
            if (_count == 0)
            {
                VanishInsideLock();
            }
            else if (_iterators == 0 && _usedSlots > 64 && _count < _usedSlots / 4)
            {
                CompactInsideLock();
            }
        }
    }

    /// <summary>For a room that was created for a connection which could no longer join it.</summary>
    internal void VanishIfEmpty()
    {
        lock (_gate)
        {
            if (_count == 0)
            {
                VanishInsideLock();
            }
        }
    }

    private void VanishInsideLock()
    {
        _vanished = true;
        _directory.Forget(this);
    }

    private void Deliver(SharedFrames batch, object? except, string? key, MessageCopies? copies)
    {
        Membership?[] block = ArrayPool<Membership?>.Shared.Rent(BlockSize);
        TrafficBatch sent = default;
        int delivered = 0;
        int next = 0;
        int taken;
        (uint era, int order) = BeginIteration(copies);
        copies?.WaitForEarlier(order);
        while ((taken = TakeBlock(block, ref next)) > 0)
        {
            for (int i = 0; i < taken; i++)
            {
                FetchAhead(block.AsSpan(i, taken - i));
                IRoomMember member = block[i]!.Member;
                if (!ReferenceEquals(member, except) && (copies is null || IsDue(block[i]!, copies, era, order)))
                {
                    member.SendShared(batch, key, ref sent);
                    delivered++;
                }
            }
        }

        EndIteration();
        copies?.Complete();
        sent.Add();
        Array.Clear(block);
        ArrayPool<Membership?>.Shared.Return(block);
        _directory.CountDeliveries(batch, delivered);
    }

    // A member is four objects scattered in memory, each referenced by the one before. While one member is sent to, those of the
    // next four are prefetched, one object further with each step (docs/internals/benchmarks.md has the gain per delivery).
    private static void FetchAhead(ReadOnlySpan<Membership?> members)
    {
        if (members.Length > 4)
        {
            Prefetch.Instance(members[4]!);
            Prefetch.Instance(members[3]!.Member);
            members[2]!.Member.FetchAhead(2);
            members[1]!.Member.FetchAhead(1);
        }
    }

    // A member that joins during the iteration is left to the copies of other rooms: the decision must be the same for all.
    private static bool IsDue(Membership member, MessageCopies copies, uint era, int order)
        => !member.IsNewerThan(era) && !member.Member.Memberships.IsSentBefore(copies, order);

    private (uint Era, int Order) BeginIteration(MessageCopies? copies)
    {
        lock (_gate)
        {
            _iterators++;
            if (copies is null)
            {
                return default;
            }

            _isEraOver = true;
            return (_era, copies.Register(this, _era));
        }
    }

    private void EndIteration()
    {
        lock (_gate)
        {
            _iterators--;
        }
    }

    // Slots never move during an iteration, so no member that stays is skipped or sent to twice.
    private int TakeBlock(Membership?[] block, ref int next)
    {
        lock (_gate)
        {
            int taken = 0;
            while (taken < BlockSize && next < _usedSlots)
            {
                if (_slots[next++] is { } member)
                {
                    block[taken++] = member;
                }
            }

            return taken;
        }
    }

    private void CompactInsideLock()
    {
        Membership?[] compact = new Membership?[Math.Max(2, _count * 2)];
        int used = 0;
        for (int i = 0; i < _usedSlots; i++)
        {
            if (_slots[i] is { } member)
            {
                member.Slot = used;
                compact[used++] = member;
            }
        }

        _slots = compact;
        _usedSlots = used;
        _freeSlots.Clear();
        _freeSlots.TrimExcess();
    }
}
