using System.IO.Pipelines;
using Weir.Transports;

namespace Weir.Extensions.Tests.LoopTransport;

/// <summary>
/// The input of a connection: a pipe that the loop writes to, and the owner that waits for it. The lock decides whether a read finds
/// the bytes or the loop finds the owner.
/// </summary>
internal sealed class MemoryReader(PipeScheduler scheduler) : LoopReader
{
    private readonly Lock _gate = new();

    // Unbounded, since the loop must not wait for a reader. A transport over sockets leaves the bytes in the kernel instead.
    private readonly Pipe _pipe = new(
        new PipeOptions(readerScheduler: scheduler, pauseWriterThreshold: 0, useSynchronizationContext: false));

    private IInputOwner? _owner;

    /// <summary>Bytes have arrived. On the loop's thread.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        IInputOwner? owner;
        lock (_gate)
        {
            bytes.CopyTo(_pipe.Writer.GetSpan(bytes.Length));
            _pipe.Writer.Advance(bytes.Length);
            _ = _pipe.Writer.FlushAsync().AsTask(); // completes synchronously, as the pipe is unbounded
            owner = TakeOwnerInsideLock();
        }

        owner?.OnInput(this);
    }

    /// <summary>No more bytes will arrive. On the loop's thread.</summary>
    /// <param name="error">Why the connection has failed; <c>null</c>: the peer has ended it.</param>
    public void End(Exception? error)
    {
        IInputOwner? owner;
        lock (_gate)
        {
            _pipe.Writer.Complete(error);
            owner = TakeOwnerInsideLock();
        }

        owner?.OnInput(this);
    }

    public override bool TryRead(IInputOwner owner, out ReadResult result)
    {
        lock (_gate)
        {
            if (_pipe.Reader.TryRead(out result))
            {
                return true;
            }

            _owner = owner;
            return false;
        }
    }

    public override bool TryRead(out ReadResult result) => _pipe.Reader.TryRead(out result);

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        => _pipe.Reader.ReadAsync(cancellationToken);

    public override void AdvanceTo(SequencePosition consumed) => _pipe.Reader.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => _pipe.Reader.AdvanceTo(consumed, examined);

    public override void CancelPendingRead()
    {
        IInputOwner? owner;
        lock (_gate)
        {
            _pipe.Reader.CancelPendingRead();
            owner = TakeOwnerInsideLock();
        }

        if (owner is not null)
        {
            scheduler.Schedule(static state => ((Action)state!)(), () => owner.OnInput(this)); // owners are called on the loop
        }
    }

    public override void Complete(Exception? exception = null)
    {
        lock (_gate)
        {
            _owner = null;
            _pipe.Reader.Complete(exception);
        }
    }

    private IInputOwner? TakeOwnerInsideLock()
    {
        IInputOwner? owner = _owner;
        _owner = null;
        return owner;
    }
}
