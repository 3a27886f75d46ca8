using Weir.Protocol.Compression;
using Weir.Sending;

namespace Weir.Bench.Sending;

/// <summary>An owner that ignores all notifications.</summary>
internal sealed class UnheardOwner : ISenderOwner
{
    public long CurrentTick => 0;

    /// <summary>The default settings of an endpoint, every message compressed if there is zlib.</summary>
    public static SendSettings Settings(ZlibPool? zlib = null) => new(
        SharedFramesPool.Shared, new PressureOptions().ToSettings(), new PressureLedger(0), DeflateMinimumBytes: 0, zlib);

    public void OnQueueBegan()
    {
    }

    public void OnPressure(bool isHigh)
    {
    }

    public void OnDropped(int messages)
    {
    }

    public void OnTooSlow()
    {
    }

    public void OnTransportEnded(Exception? error)
    {
    }
}
