using Flush = Weir.Compression.ZlibNative.Flush;

namespace Weir.Compression;

/// <summary>
/// Decompresses received messages (RFC 7692 7.2.2), as far as the caller has room: a compression bomb costs the
/// caller's buffer, never more. Not thread-safe.
/// </summary>
/// <remarks>
/// A message cut off in mid-block is not recognised: the format ends a message by framing, not by content. What could
/// be decoded is delivered, and with context takeover the next message is corrupt.
/// </remarks>
internal sealed class Inflater : ZlibCodec
{
    /// <summary>
    /// Input taken since a block was last known to begin: at the start of the message, or where a block with BFINAL=1
    /// closed the deflate stream within it. Four at the end of the message means that only the tail followed.
    /// </summary>
    private long _sinceBlockStart;

    /// <param name="windowBits">At least what the peer deflates with, 9 to 15; more does no harm.</param>
    /// <param name="live">Counts the native state.</param>
    public Inflater(int windowBits, LiveCount live) : base(ZlibState.ForInflate(windowBits, live), windowBits)
    {
    }

    /// <summary>
    /// The octets a sender leaves off every message (RFC 7692 7.2.1): to be fed after the last byte of a message,
    /// before <see cref="EndMessage"/>.
    /// </summary>
    public static ReadOnlySpan<byte> MessageTail => [0x00, 0x00, 0xFF, 0xFF];

    /// <summary>
    /// Inflates until the input is used up or the output is full. A full output may leave more behind, even when all
    /// input was consumed: call again until it is not filled.
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
            // A compressor that ends its stream has no history left to refer to, so losing ours is no loss.
            State.ResetInflate();
            _sinceBlockStart = 0;
        }
    }

    /// <summary>Ends a message after its tail.</summary>
    /// <param name="keepContext">False drops the history: the next message may not refer to this one.</param>
    public void EndMessage(bool keepContext)
    {
        // The octet 00 that RFC 7692 demands after a block with BFINAL=1 (7.2.3.4) and for an empty message (7.2.3.6)
        // is sometimes left out. The tail is then the beginning of a stored block that never comes, and would spoil
        // the next message; starting over forgets it.
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
