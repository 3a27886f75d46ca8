using Weir.Framing;
using Weir.Rooms;
using Weir.Sending;

namespace Weir.Relay.Rooms;

/// <summary>
/// Gathers what a room's drain has for the same members into one run of frames, so that each of them gets a burst with one
/// copy and one flush. Belongs to one drain; not thread-safe.
/// </summary>
internal sealed class RunGathering(FrameRunPool runs)
{
    private FrameRun? _run;
    private IPublicationTarget? _target;
    private object? _except;
    private string? _key;
    private MessageCopies? _copies;

    /// <summary>Adds a message for all members of <paramref name="target"/> but <paramref name="except"/>.</summary>
    public void Add(
        IPublicationTarget target, object? except, Opcode opcode, ReadOnlySpan<byte> payload, string? key, MessageCopies? copies = null)
    {
        int size = FrameHeader.MaxUnmaskedLength + payload.Length;
        // A keyed message may be replaced, and a copy may be left out for some members.
        bool standsAlone = key is not null || _key is not null || copies is not null || _copies is not null;
        if (_run is not null
            && (standsAlone || _run.Free < size || !ReferenceEquals(_except, except) || !ReferenceEquals(_target, target)))
        {
            Walk();
        }

        _target = target;
        _except = except;
        _key = key;
        _copies = copies;
        _run ??= runs.Rent(Math.Max(size, ConnectionSender.ChunkBytes / 2));
        _run.Append(opcode, payload);
    }

    /// <summary>Hands what was gathered to every member.</summary>
    public void Walk()
    {
        if (_run is not { } run)
        {
            return;
        }

        IPublicationTarget target = _target!;
        object? except = _except;
        string? key = _key;
        MessageCopies? copies = _copies;
        _run = null;
        _target = null;
        _except = null;
        _key = null;
        _copies = null;
        target.Deliver(run, except, key, copies);
        run.Release();
    }
}
