using System.Buffers;
using System.Runtime.CompilerServices;

namespace Weir.Testing.Buffers;

/// <summary>
/// One block of a <see cref="DiagnosticMemoryPool"/>: every access to its bytes checks first whether it is still rented.
/// </summary>
internal sealed class DiagnosticBlock : MemoryManager<byte>
{
    // Wider than one 64-byte vector, so that an unguarded vector store over either edge lands in the guards.
    private const int GuardBytes = 64;

    private readonly PoolLedger _ledger;
    private readonly Rental _rental;
    private int _pins;
    private int _returned;

    public DiagnosticBlock(PoolLedger ledger, int length)
    {
        _ledger = ledger;
        byte[] buffer = GC.AllocateUninitializedArray<byte>(length + (2 * GuardBytes), pinned: true);
        _rental = ledger.Open(buffer, GuardBytes, length);
    }

    public override Memory<byte> Memory
    {
        get
        {
            ThrowIfReturned(nameof(Memory));
            return CreateMemory(_rental.Length);
        }
    }

    public override Span<byte> GetSpan()
    {
        ThrowIfReturned("Span");
        return _rental.Bytes;
    }

    public override unsafe MemoryHandle Pin(int elementIndex = 0)
    {
        ThrowIfReturned(nameof(Pin));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)_rental.Length);
        Interlocked.Increment(ref _pins);

        // The array is on the pinned heap: its address is valid as long as this block is reachable, and the handle
        // keeps it so.
        return new MemoryHandle(Unsafe.AsPointer(ref _rental.Buffer[_rental.Offset + elementIndex]), pinnable: this);
    }

    public override void Unpin() => Interlocked.Decrement(ref _pins);

    // Kestrel's blocks are array-backed, and code may use that shortcut.
    protected override bool TryGetArray(out ArraySegment<byte> segment)
    {
        ThrowIfReturned(nameof(TryGetArray));
        segment = new ArraySegment<byte>(_rental.Buffer, _rental.Offset, _rental.Length);
        return true;
    }

    protected override void Dispose(bool disposing)
    {
        Volatile.Write(ref _returned, 1);
        _ledger.Close(_rental);
        if (Volatile.Read(ref _pins) != 0)
        {
            throw _ledger.Report("was returned while pinned", _rental);
        }
    }

    private void ThrowIfReturned(string member)
    {
        if (Volatile.Read(ref _returned) != 0)
        {
            throw _ledger.Report($"was used ({member}) after its return", _rental);
        }
    }
}
