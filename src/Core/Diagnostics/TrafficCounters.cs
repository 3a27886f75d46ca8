using System.Runtime.InteropServices;

namespace Weir.Diagnostics;

/// <summary>
/// Messages and bytes, counted from any thread. One cell per core, each on cache lines of its own: a shared counter would be the
/// only memory that all cores write for every message.
/// </summary>
internal sealed class TrafficCounters
{
    private readonly Cell[] _cells = new Cell[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount)];

    public long Messages => Sum(static (ref readonly Cell cell) => Volatile.Read(in cell.Messages));

    public long Bytes => Sum(static (ref readonly Cell cell) => Volatile.Read(in cell.Bytes));

    private delegate long Field(ref readonly Cell cell);

    public void Add(long messages, long bytes)
    {
        ref Cell cell = ref _cells[Thread.GetCurrentProcessorId() & (_cells.Length - 1)];
        Interlocked.Add(ref cell.Messages, messages);
        Interlocked.Add(ref cell.Bytes, bytes);
    }

    private long Sum(Field field)
    {
        long sum = 0;
        foreach (ref readonly Cell cell in _cells.AsSpan())
        {
            sum += field(in cell);
        }

        return sum;
    }

    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Cell
    {
        [FieldOffset(0)]
        public long Messages;

        [FieldOffset(8)]
        public long Bytes;
    }
}
