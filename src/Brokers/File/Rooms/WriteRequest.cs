using Weir.Relay.Brokers;

namespace Weir.Brokers.File.Rooms;

/// <summary>A request to the writer; completed when it is stored, or was not.</summary>
internal sealed class WriteRequest(RequestKind kind, string name)
    : TaskCompletionSource<StreamPosition>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public RequestKind Kind => kind;

    /// <summary>The name of the room; empty if it is about no room.</summary>
    public string Name => name;

    /// <summary>Of a publish.</summary>
    public Publication? Publication { get; set; }

    public RoomRule Rule { get; init; } = RoomRule.Default;

    /// <summary>The room, once the writer has found it; <c>null</c>: there is none, and the request has no effect.</summary>
    public FileRoom? Room { get; set; }

    /// <summary>The place of its record.</summary>
    public RecordPlace Place { get; set; }

    /// <summary>The bytes of a snapshot that is complete.</summary>
    public long SnapshotBytes { get; init; }

    private StreamPosition _position;
    private Exception? _error;

    /// <summary>Sets the result, which <see cref="Complete"/> makes known.</summary>
    public void Succeed(StreamPosition position) => _position = position;

    /// <inheritdoc cref="Succeed"/>
    public void Fail(Exception error) => _error = error;

    public void Complete()
    {
        if (_error is null)
        {
            SetResult(_position);
        }
        else
        {
            SetException(_error);
        }
    }
}
