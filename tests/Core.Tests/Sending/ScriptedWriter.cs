using System.IO.Pipelines;
using Weir.Sending;

namespace Weir.Core.Tests.Sending;

/// <summary>A writer into nowhere whose calls the test scripts: as no well-behaved transport would behave.</summary>
internal sealed class ScriptedWriter : PipeWriter
{
    private readonly byte[] _memory = new byte[64];

    public Action OnGetSpan { get; set; } = static () => { };

    public Action OnAdvance { get; set; } = static () => { };

    public Func<ValueTask<FlushResult>> OnFlush { get; set; } = static () => default;

    public override void Advance(int bytes) => OnAdvance();

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        OnGetSpan();
        return _memory;
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => OnFlush();

    public override void CancelPendingFlush() => throw new NotSupportedException();

    public override void Complete(Exception? exception = null) => throw new NotSupportedException();
}

internal sealed class RecordingOwner : ISenderOwner
{
    public List<Exception?> Ends { get; } = [];

    public int TooSlow { get; private set; }

    public long CurrentTick => 0;

    /// <summary>Settings without limits, for tests that are about something else.</summary>
    public static SendSettings Settings(SharedFramesPool runs, Weir.Protocol.Compression.ZlibPool? zlib = null) => new(
        runs, new PressureOptions().ToSettings(), new PressureLedger(0), DeflateMinimumBytes: 0, zlib);

    public void OnQueueBegan()
    {
    }

    public void OnPressure(bool isHigh)
    {
    }

    public void OnDropped(int messages)
    {
    }

    public void OnTooSlow() => TooSlow++;

    public void OnTransportEnded(Exception? error) => Ends.Add(error);
}
