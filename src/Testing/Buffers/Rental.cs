using System.Diagnostics;

namespace Weir.Testing.Buffers;

/// <summary>One rent of one buffer; identity is by reference.</summary>
internal sealed class Rental(long number, byte[] buffer, int offset, int length, StackTrace? stack)
{
    public long Number => number;

    public byte[] Buffer => buffer;

    public int Offset => offset;

    public int Length => length;

    public StackTrace? Stack => stack;

    /// <summary>The rented bytes, without the guards around them.</summary>
    public Span<byte> Bytes => buffer.AsSpan(offset, length);

    public bool GuardsTouched =>
        buffer.AsSpan(0, offset).ContainsAnyExcept(PoolLedger.GuardByte)
        || buffer.AsSpan(offset + length).ContainsAnyExcept(PoolLedger.GuardByte);
}
