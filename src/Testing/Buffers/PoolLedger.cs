using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Weir.Testing.Buffers;

/// <summary>
/// The records of a diagnostic pool: rented and returned buffers, and every violation. Thread-safe.
/// </summary>
/// <remarks>
/// A returned buffer is never rented again. It is overwritten and kept in quarantine, so that a write through a
/// <see cref="Span{T}"/> kept too long does not reach data of others and leaves a trace. The quarantine is bounded: the
/// oldest buffers are checked and dropped once it holds more than <see cref="QuarantineLimitBytes"/>.
/// </remarks>
internal sealed class PoolLedger(string pool, bool captureStacks)
{
    /// <summary>Never legal in UTF-8: rented memory that is read as text before it was written is rejected.</summary>
    public const byte FreshByte = 0xF5;

    public const byte ReturnedByte = 0xDB;
    public const byte GuardByte = 0xA6;

    private const long QuarantineLimitBytes = 32 * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly HashSet<Rental> _outstanding = [];
    private readonly Queue<Rental> _quarantine = new();
    private readonly List<string> _violations = [];
    private long _quarantineBytes;
    private long _rents;
    private long _outstandingBytes;
    private int _peakOutstanding;

    public long Rents => Read(ref _rents);

    public long OutstandingBytes => Read(ref _outstandingBytes);

    public int Outstanding
    {
        get
        {
            lock (_lock)
            {
                return _outstanding.Count;
            }
        }
    }

    public int PeakOutstanding => Volatile.Read(ref _peakOutstanding);

    public IReadOnlyList<string> Violations
    {
        get
        {
            lock (_lock)
            {
                return [.. _violations];
            }
        }
    }

    /// <summary>Records a rent. Bytes of <paramref name="buffer"/> outside offset and length become guards.</summary>
    // Not inlined, and only this frame is omitted: whether the caller is in the trace must not depend on the JIT's inlining of
    // a hot Rent.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Rental Open(byte[] buffer, int offset, int length)
    {
        buffer.AsSpan().Fill(GuardByte);
        buffer.AsSpan(offset, length).Fill(FreshByte);
        StackTrace? stack = captureStacks ? new StackTrace(skipFrames: 1, fNeedFileInfo: true) : null;

        lock (_lock)
        {
            Rental rental = new(++_rents, buffer, offset, length, stack);
            _outstanding.Add(rental);
            _outstandingBytes += length;
            _peakOutstanding = Math.Max(_peakOutstanding, _outstanding.Count);
            return rental;
        }
    }

    /// <summary>Records a return, checks the guards and overwrites the buffer.</summary>
    /// <exception cref="PoolMisuseException">It had been returned already.</exception>
    public void Close(Rental rental)
    {
        lock (_lock)
        {
            if (!_outstanding.Remove(rental))
            {
                throw ReportInsideLock("was returned twice", rental);
            }

            _outstandingBytes -= rental.Length;
            if (rental.GuardsTouched)
            {
                ReportInsideLock("was written outside its bounds", rental);
            }

            rental.Bytes.Fill(ReturnedByte);
            _quarantine.Enqueue(rental);
            _quarantineBytes += rental.Buffer.Length;
            while (_quarantineBytes > QuarantineLimitBytes)
            {
                Rental oldest = _quarantine.Dequeue();
                _quarantineBytes -= oldest.Buffer.Length;
                CheckUntouchedInsideLock(oldest);
            }
        }
    }

    /// <summary>Records a violation and creates the exception that the caller throws.</summary>
    public PoolMisuseException Report(string what, Rental? rental)
    {
        lock (_lock)
        {
            return ReportInsideLock(what, rental);
        }
    }

    /// <exception cref="PoolMisuseException">A buffer has not been returned, or there was any violation.</exception>
    public void AssertClean()
    {
        lock (_lock)
        {
            foreach (Rental rental in _quarantine)
            {
                CheckUntouchedInsideLock(rental);
            }

            string[] leaks = [.. _outstanding.OrderBy(r => r.Number).Select(r => Describe("was not returned", r))];
            if (leaks.Length > 0 || _violations.Count > 0)
            {
                throw new PoolMisuseException(string.Join(Environment.NewLine, [.. _violations, .. leaks]));
            }
        }
    }

    private void CheckUntouchedInsideLock(Rental rental)
    {
        Debug.Assert(_lock.IsHeldByCurrentThread);
        int at = rental.Bytes.IndexOfAnyExcept(ReturnedByte);
        if (at >= 0)
        {
            ReportInsideLock($"was written after its return, first at byte {at}", rental);
            rental.Bytes.Fill(ReturnedByte); // One late write is one violation.
        }
    }

    private PoolMisuseException ReportInsideLock(string what, Rental? rental)
    {
        Debug.Assert(_lock.IsHeldByCurrentThread);
        string violation = Describe(what, rental);
        _violations.Add(violation);
        return new PoolMisuseException(violation);
    }

    private string Describe(string what, Rental? rental)
    {
        if (rental is null)
        {
            return $"{pool}: {what}.";
        }

        string where = rental.Stack is null
            ? " Pass captureStacks: true to see where it was rented."
            : $" Rented at:{Environment.NewLine}{rental.Stack}";
        return $"{pool}: buffer #{rental.Number} of {rental.Length} bytes {what}.{where}";
    }

    private long Read(ref long value)
    {
        lock (_lock)
        {
            return value;
        }
    }
}
