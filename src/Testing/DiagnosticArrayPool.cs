using System.Buffers;
using System.Runtime.CompilerServices;
using Weir.Testing.Buffers;

namespace Weir.Testing;

/// <summary>
/// An <see cref="ArrayPool{T}"/> that fails a test on a leak, a double return, the return of a foreign array and a
/// write after return. Thread-safe.
/// </summary>
/// <remarks>
/// Arrays are longer than requested and never a power of two: code must rely neither on <c>Length</c> as requested nor on
/// the sizes of <see cref="ArrayPool{T}.Shared"/>.
/// </remarks>
public sealed class DiagnosticArrayPool(bool captureStacks = false) : ArrayPool<byte>, IDisposable
{
    private const int SurplusBytes = 7;

    private readonly PoolLedger _ledger = new(nameof(DiagnosticArrayPool), captureStacks);

    // A returned array is remembered for as long as it is referenced, to distinguish a second return from a foreign array.
    private readonly ConditionalWeakTable<byte[], Rental> _known = [];

    /// <summary>The number of arrays rented and not returned.</summary>
    public int Outstanding => _ledger.Outstanding;

    /// <summary>Their bytes.</summary>
    public long OutstandingBytes => _ledger.OutstandingBytes;

    /// <summary>Rents since the start.</summary>
    public long Rents => _ledger.Rents;

    /// <summary>Violations so far, without leaks and late writes not yet found.</summary>
    public IReadOnlyList<string> Violations => _ledger.Violations;

    /// <inheritdoc/>
    public override byte[] Rent(int minimumLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(minimumLength);
        if (minimumLength == 0)
        {
            return []; // As the shared pool does: the empty array is not pooled.
        }

        int length = minimumLength + SurplusBytes;
        if (int.IsPow2(length))
        {
            length++;
        }

        byte[] array = GC.AllocateUninitializedArray<byte>(length);
        _known.Add(array, _ledger.Open(array, offset: 0, array.Length));
        return array;
    }

    /// <inheritdoc/>
    /// <exception cref="PoolMisuseException">The array was returned before, or was not rented here.</exception>
    public override void Return(byte[] array, bool clearArray = false)
    {
        if (array.Length == 0)
        {
            return;
        }

        if (!_known.TryGetValue(array, out Rental? rental))
        {
            throw _ledger.Report($"an array of {array.Length} bytes was returned that was not rented here", null);
        }

        _ledger.Close(rental);
    }

    /// <exception cref="PoolMisuseException">An array has not been returned, or there was any violation.</exception>
    public void AssertClean() => _ledger.AssertClean();

    /// <inheritdoc cref="AssertClean"/>
    public void Dispose() => AssertClean();
}
