namespace Weir.LoadTest.Client;

/// <summary>
/// A masked text frame whose payload has a <see cref="Stamp"/> somewhere. One serves all messages of its size and room: only
/// the stamp is written anew.
/// </summary>
internal sealed class StampedFrame
{
    private readonly byte[] _frame;
    private readonly int _stamp;
    private readonly int _phase;

    /// <param name="before">What stands before the stamp.</param>
    /// <param name="after">What follows it.</param>
    public StampedFrame(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after)
    {
        byte[] payload = [.. before, .. new byte[Stamp.Bytes], .. after];
        _frame = MaskedFrames.Make(ServerFrame.Text, payload);
        _stamp = MaskedFrames.HeaderLength(payload.Length) + before.Length;
        _phase = before.Length % 4;
    }

    /// <summary>The frame, until the next call.</summary>
    public ReadOnlySpan<byte> With(Stamp stamp)
    {
        Span<byte> bytes = _frame.AsSpan(_stamp, Stamp.Bytes);
        stamp.Write(bytes);
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] ^= (byte)(MaskedFrames.MaskingKey >> (8 * ((_phase + i) % 4)));
        }

        return _frame;
    }
}
