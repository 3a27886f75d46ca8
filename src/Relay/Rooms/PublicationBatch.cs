using Weir.Protocol;
using Weir.Rooms;
using Weir.Sending;

namespace Weir.Relay.Rooms;

/// <summary>
/// Collects a room's publications for the same members into one array of shared frames, so that each member gets a burst with one copy and
/// one flush. Belongs to one event loop; not thread-safe.
/// </summary>
internal sealed class PublicationBatch(SharedFramesPool pool)
{
    private SharedFrames? _frames;
    private IPublicationTarget? _target;
    private object? _except;
    private string? _key;
    private MessageCopies? _copies;

    /// <summary>Adds a message for all members of <paramref name="target"/> except <paramref name="except"/>.</summary>
    public void Add(
        IPublicationTarget target, object? except, Opcode opcode, ReadOnlySpan<byte> payload, string? key, MessageCopies? copies = null)
    {
        int size = FrameHeader.MaxUnmaskedLength + payload.Length;
        // A keyed message may be replaced, and a copy may be left out for some members.
        bool standsAlone = key is not null || _key is not null || copies is not null || _copies is not null;
        if (_frames is not null
            && (standsAlone || _frames.Free < size || !ReferenceEquals(_except, except) || !ReferenceEquals(_target, target)))
        {
            Walk();
        }

        _target = target;
        _except = except;
        _key = key;
        _copies = copies;
        _frames ??= pool.Rent(Math.Max(size, ConnectionSender.ChunkBytes / 2));
        _frames.Append(opcode, payload);
    }

    /// <summary>Delivers the batch to every member.</summary>
    public void Walk()
    {
        if (_frames is not { } frames)
        {
            return;
        }

        IPublicationTarget target = _target!;
        object? except = _except;
        string? key = _key;
        MessageCopies? copies = _copies;
        _frames = null;
        _target = null;
        _except = null;
        _key = null;
        _copies = null;
        target.Deliver(frames, except, key, copies);
        frames.Release();
    }
}
