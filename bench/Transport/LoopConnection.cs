using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Weir.Transports;

namespace Weir.Bench.Transport;

/// <summary>
/// A connection as of a transport with threads of its own, without sockets: the input is in one array, the transport calls the
/// owner, and the output is in another array. So the engine is measured, and no part of a transport.
/// </summary>
internal sealed class LoopConnection : ConnectionContext, IDuplexPipe, ILoopThreadFeature
{
    private readonly Arrivals _arrivals = new();
    private readonly Departures _departures = new();

    public LoopConnection() => Features.Set<ILoopThreadFeature>(this);

    /// <summary>The bytes sent since the last <see cref="Exchange"/>.</summary>
    public ReadOnlySpan<byte> Sent => _departures.Bytes;

    public bool IsDisposed { get; private set; }

    public override string ConnectionId { get; set; } = "loop";

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    public override IDuplexPipe Transport
    {
        get => this;
        set => throw new NotSupportedException("It has no other transport.");
    }

    public bool RunInline { get; set; }

    public bool IsCurrent => true;

    public bool HasUnreadInput => false;

    PipeReader IDuplexPipe.Input => _arrivals;

    PipeWriter IDuplexPipe.Output => _departures;

    /// <summary>Delivers these bytes; the answers are in <see cref="Sent"/> when it returns.</summary>
    public void Exchange(ReadOnlySpan<byte> received)
    {
        _departures.Clear();
        _arrivals.Add(received);
    }

    public void Post(IThreadPoolWorkItem work) => work.Execute();

    public bool TryDetach() => true;

    public ValueTask DisposeDetachedAsync()
    {
        IsDisposed = true;
        return ValueTask.CompletedTask;
    }

    private sealed class Arrivals : LoopReader
    {
        private readonly byte[] _bytes = new byte[1024 * 1024];
        private int _start;
        private int _end;
        private bool _isExamined = true;
        private IInputOwner? _owner;

        public void Add(ReadOnlySpan<byte> bytes)
        {
            if (_start == _end)
            {
                _start = _end = 0;
            }

            bytes.CopyTo(_bytes.AsSpan(_end));
            _end += bytes.Length;
            _isExamined = false;
            if (_owner is { } owner)
            {
                _owner = null;
                owner.OnInput(this);
            }
        }

        public override bool TryRead(IInputOwner owner, out ReadResult result)
        {
            _owner = _isExamined ? owner : null;
            return TryRead(out result);
        }

        public override bool TryRead(out ReadResult result)
        {
            result = _isExamined ? default : new ReadResult(new ReadOnlySequence<byte>(_bytes, _start, _end - _start), false, false);
            return !_isExamined;
        }

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
            => TryRead(out ReadResult result) ? new(result) : throw new NotSupportedException("Only a LoopReader's owner may wait.");

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            _start = consumed.GetInteger();
            _isExamined = examined.GetInteger() == _end;
        }

        public override void CancelPendingRead()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }
    }

    private sealed class Departures : PipeWriter
    {
        private byte[] _bytes = new byte[1024];
        private int _count;

        public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _count);

        public void Clear() => _count = 0;

        public override Memory<byte> GetMemory(int sizeHint = 0)
        {
            EnsureRoom(sizeHint);
            return _bytes.AsMemory(_count);
        }

        public override Span<byte> GetSpan(int sizeHint = 0)
        {
            EnsureRoom(sizeHint);
            return _bytes.AsSpan(_count);
        }

        public override void Advance(int bytes) => _count += bytes;

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => default;

        public override void CancelPendingFlush()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }

        private void EnsureRoom(int bytes)
        {
            if (_bytes.Length - _count < Math.Max(bytes, 1))
            {
                Array.Resize(ref _bytes, (_bytes.Length + bytes) * 2);
            }
        }
    }
}
