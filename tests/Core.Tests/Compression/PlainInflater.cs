using Xunit;

namespace Weir.Core.Tests.Compression;

/// <summary>
/// RFC 1951 spelled out, slow and without zlib: the second opinion on what our deflater sends. Keeps all history, and
/// records how far back the data reaches, which no zlib reports.
/// </summary>
internal sealed class PlainInflater
{
    // RFC 1951 3.2.5: what each length and distance code stands for before its extra bits.
    private static readonly int[] _lengthExtra =
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

    private static readonly int[] _lengthBase = Bases(3, _lengthExtra[..^1], last: 258);
    private static readonly int[] _distanceExtra = [0, 0, .. Enumerable.Range(0, 28).Select(i => i / 2)];
    private static readonly int[] _distanceBase = Bases(1, _distanceExtra);

    // 3.2.7: the order in which the lengths of the code length code are sent.
    private static readonly int[] _codeLengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    private readonly List<byte> _history = [];
    private byte[] _input = [];
    private int _bit;

    public int FarthestDistance { get; private set; }

    /// <summary>Decodes one message that lacks its tail; it must end at the end of a block.</summary>
    public byte[] Decode(byte[] payload)
    {
        int start = _history.Count;
        _input = [.. payload, 0x00, 0x00, 0xFF, 0xFF];
        _bit = 0;
        while ((_bit + 7) / 8 < _input.Length)
        {
            _ = Bits(1);
            switch (Bits(2))
            {
                case 0:
                    Stored();
                    break;
                case 1:
                    int[] fixedLengths =
                    [
                        .. Enumerable.Repeat(8, 144), .. Enumerable.Repeat(9, 112),
                        .. Enumerable.Repeat(7, 24), .. Enumerable.Repeat(8, 8),
                    ];
                    Compressed(new Code(fixedLengths), new Code([.. Enumerable.Repeat(5, 30)]));
                    break;
                case 2:
                    Dynamic();
                    break;
                default:
                    throw new InvalidDataException("Reserved block type.");
            }
        }

        return [.. _history[start..]];
    }

    private static int[] Bases(int first, int[] extra, params int[] last)
    {
        var bases = new List<int>();
        foreach (int bits in extra)
        {
            bases.Add(first);
            first += 1 << bits;
        }

        return [.. bases, .. last];
    }

    private int Bits(int count)
    {
        int value = 0;
        for (int i = 0; i < count; i++, _bit++)
        {
            value |= ((_input[_bit / 8] >> (_bit % 8)) & 1) << i;
        }

        return value;
    }

    private void Stored()
    {
        _bit = (_bit + 7) / 8 * 8;
        int length = Bits(16);
        Assert.Equal(length ^ 0xFFFF, Bits(16));
        _history.AddRange(_input.AsSpan(_bit / 8, length));
        _bit += length * 8;
    }

    private void Dynamic()
    {
        int literals = Bits(5) + 257;
        int distances = Bits(5) + 1;
        int[] codeLengths = new int[19];
        int count = Bits(4) + 4;
        for (int i = 0; i < count; i++)
        {
            codeLengths[_codeLengthOrder[i]] = Bits(3);
        }

        var code = new Code(codeLengths);
        var lengths = new List<int>();
        while (lengths.Count < literals + distances)
        {
            int symbol = Symbol(code);
            lengths.AddRange(symbol switch
            {
                16 => Enumerable.Repeat(lengths[^1], Bits(2) + 3),
                17 => Enumerable.Repeat(0, Bits(3) + 3),
                18 => Enumerable.Repeat(0, Bits(7) + 11),
                _ => [symbol],
            });
        }

        Compressed(new Code([.. lengths[..literals]]), new Code([.. lengths[literals..]]));
    }

    private void Compressed(Code literals, Code distances)
    {
        int symbol;
        while ((symbol = Symbol(literals)) != 256)
        {
            if (symbol < 256)
            {
                _history.Add((byte)symbol);
                continue;
            }

            int length = _lengthBase[symbol - 257] + Bits(_lengthExtra[symbol - 257]);
            int distanceSymbol = Symbol(distances);
            int distance = _distanceBase[distanceSymbol] + Bits(_distanceExtra[distanceSymbol]);
            FarthestDistance = Math.Max(FarthestDistance, distance);
            for (int i = 0; i < length; i++)
            {
                _history.Add(_history[^distance]);
            }
        }
    }

    private int Symbol(Code code)
    {
        int value = 0;
        for (int length = 1; length <= 15; length++)
        {
            value = (value << 1) | Bits(1);
            if (code.Symbols.TryGetValue((length, value), out int symbol))
            {
                return symbol;
            }
        }

        throw new InvalidDataException("No such code.");
    }

    /// <summary>RFC 1951 3.2.2: codes follow from their lengths alone.</summary>
    private sealed class Code
    {
        public Code(int[] lengths)
        {
            int next = 0;
            for (int length = 1; length <= 15; length++)
            {
                for (int symbol = 0; symbol < lengths.Length; symbol++)
                {
                    if (lengths[symbol] == length)
                    {
                        Symbols.Add((length, next++), symbol);
                    }
                }

                next <<= 1;
            }
        }

        public Dictionary<(int Length, int Value), int> Symbols { get; } = [];
    }
}
