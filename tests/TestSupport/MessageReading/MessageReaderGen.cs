using System.Text;
using CsCheck;

namespace Weir.TestSupport.MessageReading;

/// <summary>Random streams of valid messages.</summary>
internal static class MessageReaderGen
{
    private static readonly Gen<int> _edgeSize =
        Gen.OneOf<int>(0, 1, 125, 126, 127, 1023, 1024, 65_535, 65_536, 65_537, 131_072);

    /// <summary>Up to 200,000 bytes, mostly few.</summary>
    private static readonly Gen<int> _anySize = Gen.Frequency(
        (60, Gen.Int[0, 140]), (20, Gen.Int[0, 3_000]), (8, _edgeSize), (4, Gen.Int[3_000, 70_000]), (1, Gen.Int[70_000, 200_000]));

    private static readonly Gen<uint> _key = Gen.Frequency((9, Gen.UInt), (1, Gen.Const(0u)));

    private static readonly Gen<MessageReaderControl> _control = Gen.Select(
        Gen.Bool, Gen.Frequency((4, Gen.Int[0, 8]), (1, Gen.Int[0, 125])), Gen.Int, _key,
        (isPong, size, seed, key) => new MessageReaderControl(isPong, Bytes(size, seed), key));

    private static readonly Gen<int[]> _fragmentEnds = Gen.Frequency(
        (6, Gen.Const(Array.Empty<int>())),
        (4, Gen.Int[0, MessageReaderPlan.Whole].Array[1, 12].Select(ends => ends.Order().ToArray())));

    public static Gen<MessageReaderPlan[]> Plans { get; } = PlansOf(_anySize, 6);

    /// <summary>Streams short enough to be mutated by the ten thousand.</summary>
    public static Gen<MessageReaderPlan[]> SmallPlans { get; } = PlansOf(Gen.Frequency((9, Gen.Int[0, 60]), (1, Gen.Int[60, 400])), 5);

    private static Gen<MessageReaderPlan[]> PlansOf(Gen<int> size, int most) => Gen.Select(
        Gen.Bool, Gen.Select(size, Gen.Int), _fragmentEnds, _control.Array[0, 4], _key, Gen.Bool,
        (isText, content, ends, controls, key, compressed) => new MessageReaderPlan(
            isText,
            isText ? Text(content.Item1, content.Item2) : Bytes(content.Item1, content.Item2),
            ends, controls, key, compressed)).Array[1, most];

    // Half of them random bytes, half repetitive, for deflate.
    private static byte[] Bytes(int size, int seed)
    {
        byte[] bytes = new byte[size];
        Random random = new(seed);
        random.NextBytes(bytes);
        if ((seed & 1) == 0)
        {
            int period = random.Next(1, 40);
            for (int i = period; i < size; i++)
            {
                bytes[i] = bytes[i - period];
            }
        }

        return bytes;
    }

    /// <summary>UTF-8 of exactly <paramref name="size"/> bytes, characters of all four lengths.</summary>
    private static byte[] Text(int size, int seed)
    {
        byte[] bytes = new byte[size];
        Random random = new(seed);
        Span<byte> rest = bytes;
        while (rest.Length >= 4)
        {
            int scalar = random.Next(5) switch
            {
                0 => random.Next(0x80, 0x800),
                1 => random.Next(0x800, 0xD800),
                2 => random.Next(0xE000, 0x110000),
                _ => random.Next(0, 0x80),
            };
            rest = rest[new Rune(scalar).EncodeToUtf8(rest)..];
        }

        rest.Fill((byte)'a');
        return bytes;
    }
}
