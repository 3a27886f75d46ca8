using System.Buffers;
using System.Diagnostics;
using Flush = Weir.Protocol.Compression.ZlibNative.Flush;

namespace Weir.Protocol.Compression;

/// <summary>Compresses messages to be sent (RFC 7692 7.2.1). Not thread-safe.</summary>
/// <remarks>
/// The runtime exports no deflate reset. A full flush replaces it: it ends a message in the same four octets as a sync flush and
/// drops the history, so the next message decodes alone.
/// </remarks>
internal sealed class Deflater : ZlibCodec
{
    /// <summary>Buffer size requested per step. Small, so that a pipe's half-filled segment is still used.</summary>
    private const int MinimumSpan = 256;

    /// <summary>The receiver holds earlier messages, and zlib would refer to them.</summary>
    private bool _hasHistory;

    /// <summary>The history differs from the receiver's: to be dropped before the next message.</summary>
    private bool _forget;

    /// <summary>Stays set if an exception interrupted a message: the state is then in mid-block.</summary>
    private bool _midMessage;

    /// <param name="windowBits">The negotiated window, 9 to 15.</param>
    /// <param name="level">1 (fastest) to 9 (smallest).</param>
    /// <param name="live">Counts the native state.</param>
    public Deflater(int windowBits, int level, LiveCount live)
        : base(ZlibState.ForDeflate(windowBits, level, live), windowBits)
    {
    }

    /// <summary>
    /// Writes the compressed message without its tail: the payload of one frame or several, the first with RSV1.
    /// </summary>
    /// <param name="payload">The whole message.</param>
    /// <param name="output">Only advanced, never flushed.</param>
    /// <param name="keepContext">
    /// True: the next message may refer to this one; false: this message decodes alone and leaves no history.
    /// </param>
    public void Deflate(in ReadOnlySequence<byte> payload, IBufferWriter<byte> output, bool keepContext)
    {
        if (_midMessage)
        {
            throw new InvalidOperationException("A message was interrupted: this deflater can only be disposed.");
        }

        if (_hasHistory && (_forget || !keepContext))
        {
            DropHistory();
        }

        if (payload.IsEmpty)
        {
            // RFC 7692 7.2.3.6. zlib yields the same the first time, but refuses a second flush with no data between.
            output.GetSpan(1)[0] = 0x00;
            output.Advance(1);
            return;
        }

        _midMessage = true;
        // Written but not yet advanced over: these may turn out to be the tail, which is not sent.
        Span<byte> heldBack = stackalloc byte[4];
        int held = 0;
        foreach (ReadOnlyMemory<byte> segment in payload)
        {
            Pump(segment.Span, Flush.None, output, heldBack, ref held);
        }

        Pump(default, keepContext ? Flush.Sync : Flush.Full, output, heldBack, ref held);
        Debug.Assert(heldBack.SequenceEqual(Inflater.MessageTail), "A flush ends in 00 00 FF FF.");
        _midMessage = false;
        _hasHistory = keepContext;
    }

    /// <summary>
    /// Records that the receiver got a message this deflater did not compress, such as a broadcast shared by many. Both sides'
    /// histories differ from then on, so the next message refers to no earlier one.
    /// </summary>
    public void Forget() => _forget = _hasHistory;

    public override bool TryRenew()
    {
        Forget();
        return !_midMessage;
    }

    private void Pump(
        ReadOnlySpan<byte> input, Flush flush, IBufferWriter<byte> output, Span<byte> heldBack, ref int held)
    {
        bool filled;
        do
        {
            Span<byte> span = output.GetSpan(MinimumSpan);
            heldBack[..held].CopyTo(span);
            int result = State.Run(input, span[held..], flush, out int consumed, out int written);
            ZlibState.ThrowUnlessOk(result);
            input = input[consumed..];

            int total = held + written;
            filled = total == span.Length;
            held = Math.Min(total, heldBack.Length);
            span[(total - held)..total].CopyTo(heldBack);
            output.Advance(total - held);
        }
        while (filled || !input.IsEmpty);
    }

    private void DropHistory()
    {
        // After a sync flush no output is pending: the full flush yields one empty stored block. It belongs to no message, and
        // leaving out a whole block at a byte boundary changes nothing for the receiver.
        Span<byte> emptyBlock = stackalloc byte[16];
        int result = State.Run(default, emptyBlock, Flush.Full, out _, out int written);
        ZlibState.ThrowUnlessOk(result);
        Debug.Assert(emptyBlock[..written].SequenceEqual((ReadOnlySpan<byte>)[0x00, 0x00, 0x00, 0xFF, 0xFF]));
        _hasHistory = false;
        _forget = false;
    }
}
