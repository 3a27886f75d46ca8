using Flush = Weir.Protocol.Compression.ZlibNative.Flush;

namespace Weir.Protocol.Compression;

/// <summary>
/// Decompresses received messages (RFC 7692 7.2.2), as far as the caller's buffer allows: a compression bomb costs that buffer,
/// never more. Not thread-safe.
/// </summary>
/// <remarks>
/// A message truncated in mid-block is not detected: the format ends a message by framing, not by content. The decoded part is
/// delivered, and with context takeover the next message is corrupt.
/// </remarks>
internal sealed class Inflater : ZlibCodec
{
    /// <summary>
    /// Input taken since a block was last known to begin: at the start of the message, or where a block with BFINAL=1
    /// closed the deflate stream within it. Four at the end of the message means that only the tail followed.
    /// </summary>
    private long _sinceBlockStart;

    /// <param name="windowBits">At least the peer's window, 9 to 15; more does no harm.</param>
    /// <param name="live">Counts the native state.</param>
    public Inflater(int windowBits, LiveCount live) : base(ZlibState.ForInflate(windowBits, live), windowBits)
    {
    }

    /// <summary>
    /// The octets that a sender omits from every message (RFC 7692 7.2.1): to be fed after the last byte of a message, before
    /// <see cref="EndMessage"/>.
    /// </summary>
    public static ReadOnlySpan<byte> MessageTail => [0x00, 0x00, 0xFF, 0xFF];

    /// <summary>
    /// Inflates until the input is used up or the output is full. A full output may leave more behind, even if all input was
    /// consumed: call again until it is not filled.
    /// </summary>
    public InflateStatus Inflate(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written)
    {
        consumed = 0;
        written = 0;
        while (true)
        {
            int result = State.Run(input[consumed..], output[written..], Flush.Sync, out int taken, out int made);
            consumed += taken;
            written += made;
            _sinceBlockStart += taken;
            if (result == ZlibNative.DataError)
            {
                return InflateStatus.Corrupt;
            }

            ZlibState.ThrowUnlessOk(result);
            if (result != ZlibNative.StreamEnd)
            {
                return InflateStatus.Ok;
            }

            // A block with BFINAL=1 (RFC 7692 7.2.3.4): more blocks may follow in the same message, as a new stream.
            // A compressor that ends its stream has no history left to refer to, so this history is not needed.
            State.ResetInflate();
            _sinceBlockStart = 0;
        }
    }

    /// <summary>Ends a message after its tail.</summary>
    /// <param name="keepContext">False drops the history: the next message may not refer to this one.</param>
    public void EndMessage(bool keepContext)
    {
        // The octet 00 that RFC 7692 demands after a block with BFINAL=1 (7.2.3.4) and for an empty message (7.2.3.6) is
        // sometimes omitted. The tail is then the beginning of a stored block that never follows, and would corrupt the next
        // message; a reset discards it.
        bool tailOnly = _sinceBlockStart == MessageTail.Length;
        if (tailOnly || !keepContext)
        {
            State.ResetInflate();
        }

        _sinceBlockStart = 0;
    }

    public override bool TryRenew()
    {
        EndMessage(keepContext: false);
        return true;
    }
}
