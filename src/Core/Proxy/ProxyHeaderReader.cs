using System.Buffers;

namespace Weir.Proxy;

/// <summary>
/// Parses a PROXY header of either version at the front of a connection; the caller consumes it. A header that arrives in small
/// pieces is parsed again from its start, which its bound makes cheap.
/// </summary>
internal static class ProxyHeaderReader
{
    /// <param name="buffer">Everything received since the connection was opened.</param>
    public static ProxyHeader Read(in ReadOnlySequence<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            return ProxyHeader.Incomplete;
        }

        // A whole text header, or the fixed part of a binary one, in one span.
        scoped ReadOnlySpan<byte> front = buffer.FirstSpan;
        Span<byte> copy = stackalloc byte[ProxyTextHeader.MaxBytes];
        if (front.Length < copy.Length && !buffer.IsSingleSegment)
        {
            ReadOnlySequence<byte> start = buffer.Slice(0, Math.Min(copy.Length, buffer.Length));
            start.CopyTo(copy);
            front = copy[..(int)start.Length];
        }

        return MayBegin(front, ProxyTextHeader.Signature) ? ProxyTextHeader.Read(front)
            : MayBegin(front, ProxyBinaryHeader.Signature) ? ProxyBinaryHeader.Read(front, buffer)
            : ProxyHeader.Malformed("the connection does not begin with one");
    }

    private static bool MayBegin(ReadOnlySpan<byte> front, ReadOnlySpan<byte> signature)
    {
        int length = Math.Min(front.Length, signature.Length);
        return front[..length].SequenceEqual(signature[..length]);
    }
}
