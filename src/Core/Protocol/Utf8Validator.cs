using System.Text.Unicode;

namespace Weir.Protocol;

/// <summary>
/// Validates the UTF-8 (RFC 3629) of a text message as it arrives, in parts that may split a character anywhere. It fails at the
/// first byte that no continuation could make valid, so a bad message is refused long before its end.
/// </summary>
/// <remarks>
/// A split character is not stored: the number of bytes it lacks and the range of the next one determine what may follow. The
/// default value is ready for use. Mutable: keep it in a field, never in a readonly one.
/// </remarks>
internal struct Utf8Validator
{
    private const byte LowestContinuation = 0x80;
    private const byte HighestContinuation = 0xBF;

    // The three bytes are the whole state between calls; the range has no meaning while no byte is lacking.
    private byte _lacking;
    private byte _lowestNext;
    private byte _highestNext;

    /// <summary>Whether no split character is pending: the text may end here.</summary>
    public readonly bool IsComplete => _lacking == 0;

    /// <summary>
    /// Validates the next bytes of the text; returns <c>false</c> as soon as they cannot be UTF-8, whatever follows. After that
    /// the validator is invalid until <see cref="Reset"/>.
    /// </summary>
    public bool Append(ReadOnlySpan<byte> bytes)
    {
        while (_lacking > 0 && bytes.Length > 0)
        {
            if (!TryContinue(bytes[0]))
            {
                return false;
            }

            bytes = bytes[1..];
        }

        // The bulk at vector speed, then byte by byte a last character that is split.
        int whole = bytes.Length - CutOffLength(bytes);
        if (!Utf8.IsValid(bytes[..whole]))
        {
            return false;
        }

        ReadOnlySpan<byte> cutOff = bytes[whole..];
        if (cutOff.IsEmpty)
        {
            return true;
        }

        Begin(cutOff[0]);
        foreach (byte next in cutOff[1..])
        {
            if (!TryContinue(next))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Clears the state for the next message.</summary>
    public void Reset() => _lacking = 0;

    // Length of an unfinished character at the end, 0 if there is none. Three continuation bytes in a row finish any
    // character, so looking at the last three bytes is enough.
    private static int CutOffLength(ReadOnlySpan<byte> bytes)
    {
        for (int length = 1; length <= Math.Min(3, bytes.Length); length++)
        {
            byte value = bytes[^length];
            if (value is < LowestContinuation or > HighestContinuation)
            {
                return ContinuationsAfter(value) >= length ? length : 0;
            }
        }

        return 0;
    }

    // 0 for ASCII and for the bytes that begin no character: C0 and C1 would be overlong, F5 and up beyond U+10FFFF.
    private static byte ContinuationsAfter(byte lead) => lead switch
    {
        >= 0xC2 and <= 0xDF => 1,
        >= 0xE0 and <= 0xEF => 2,
        >= 0xF0 and <= 0xF4 => 3,
        _ => 0,
    };

    private void Begin(byte lead)
    {
        _lacking = ContinuationsAfter(lead);

        // RFC 3629 section 4: the second byte of four leads is narrower, to exclude overlong forms (E0, F0), surrogates (ED) and
        // values beyond U+10FFFF (F4).
        _lowestNext = lead switch { 0xE0 => 0xA0, 0xF0 => 0x90, _ => LowestContinuation };
        _highestNext = lead switch { 0xED => 0x9F, 0xF4 => 0x8F, _ => HighestContinuation };
    }

    private bool TryContinue(byte next)
    {
        if (next < _lowestNext || next > _highestNext)
        {
            return false;
        }

        _lacking--;
        _lowestNext = LowestContinuation;
        _highestNext = HighestContinuation;
        return true;
    }
}
