using System.Buffers;
using System.Runtime.CompilerServices;
using Weir.Protocol;

namespace Weir.Sending;

/// <summary>
/// Publications for the same members, collected into one array of shared frames, so that each member gets them with one copy, one
/// lock and one flush. A mutable struct that its owner guards.
/// </summary>
internal struct BatchedPublications
{
    private IPublicationTarget? _target;
    private object? _except;
    private string? _key;
    private IMessageCopies? _copies;
    private SharedFrames? _frames;

    public readonly bool IsEmpty => _frames is null;

    /// <summary>
    /// Adds one message for all members of <paramref name="target"/> but <paramref name="except"/>; delivers the earlier ones first
    /// if they are for other members.
    /// </summary>
    public void Add(
        IPublicationTarget target,
        object? except,
        Opcode opcode,
        in ReadOnlySequence<byte> payload,
        string? key,
        IMessageCopies? copies,
        SharedFramesPool pool)
        => Prepare(target, except, checked((int)payload.Length), key, copies, pool).Append(opcode, payload);

    /// <inheritdoc cref="Add(IPublicationTarget, object?, Opcode, in ReadOnlySequence{byte}, string?, IMessageCopies?, SharedFramesPool)"/>
    public void Add(
        IPublicationTarget target,
        object? except,
        Opcode opcode,
        ReadOnlySpan<byte> payload,
        string? key,
        IMessageCopies? copies,
        SharedFramesPool pool)
        => Prepare(target, except, payload.Length, key, copies, pool).Append(opcode, payload);

    /// <summary>Delivers the messages to every member. Empty before the first one is called, which may add to it again.</summary>
    public void Deliver()
    {
        if (_frames is not { } frames)
        {
            return;
        }

        IPublicationTarget target = _target!;
        object? except = _except;
        string? key = _key;
        IMessageCopies? copies = _copies;
        this = default;
        target.Deliver(frames, except, key, copies);
        frames.Release();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private SharedFrames Prepare(
        IPublicationTarget target, object? except, int payloadBytes, string? key, IMessageCopies? copies, SharedFramesPool pool)
    {
        int size = FrameHeader.MaxUnmaskedLength + payloadBytes;
        // A keyed message may be replaced, and a copy may be left out for some members, so these need a batch of their own.
        bool standsAlone = key is not null || _key is not null || copies is not null || _copies is not null;
        if (_frames is not null
            && (standsAlone || !ReferenceEquals(_target, target) || !ReferenceEquals(_except, except) || _frames.Free < size))
        {
            Deliver();
        }

        _target = target;
        _except = except;
        _key = key;
        _copies = copies;
        return _frames ??= pool.Rent(Math.Max(size, ConnectionSender.ChunkBytes / 2));
    }
}
