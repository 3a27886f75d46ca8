using System.Buffers;
using System.IO.Pipelines;
using Weir.Simulation.Scheduling;

namespace Weir.Simulation.Clients;

/// <summary>
/// The path from a node to a client: flushed data arrives after a while, in pieces, unless the connection breaks before.
/// </summary>
internal sealed class ClientPipe(SimulationScheduler scheduler, Action<ReadOnlyMemory<byte>> arrive) : PipeWriter
{
    private ArrayBufferWriter<byte> _written = new();
    private DateTimeOffset _last;
    private bool _isBroken;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _written.WrittenCount;

    public override Memory<byte> GetMemory(int sizeHint = 0) => _written.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => _written.GetSpan(sizeHint);

    public override void Advance(int bytes) => _written.Advance(bytes);

    public override void CancelPendingFlush()
    {
    }

    public override void Complete(Exception? exception = null)
    {
    }

    public void Break() => _isBroken = true;

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (_isBroken)
        {
            return new(new FlushResult(isCanceled: false, isCompleted: true));
        }

        ReadOnlyMemory<byte> flushed = _written.WrittenMemory;
        _written = new ArrayBufferWriter<byte>();
        while (!flushed.IsEmpty)
        {
            ReadOnlyMemory<byte> piece = flushed[..scheduler.Random.Next(1, flushed.Length + 1)];
            flushed = flushed[piece.Length..];
            DateTimeOffset at = scheduler.Clock.GetUtcNow() + scheduler.Between(0.1, scheduler.Random.Next(8) == 0 ? 60 : 2);
            _last = at > _last ? at : _last;
            scheduler.After(_last - scheduler.Clock.GetUtcNow(), () =>
            {
                if (!_isBroken)
                {
                    arrive(piece);
                }
            });
        }

        // Sometimes the client's window is full: the flush completes when it has read.
        if (scheduler.Random.Next(4) > 0)
        {
            return new(new FlushResult(isCanceled: false, isCompleted: false));
        }

        TaskCompletionSource<FlushResult> taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
        scheduler.After(_last - scheduler.Clock.GetUtcNow(),
            () => taken.TrySetResult(new FlushResult(isCanceled: false, isCompleted: _isBroken)));
        return new(taken.Task);
    }
}
