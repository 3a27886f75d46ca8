namespace Weir.TestSupport.MessageReading;

/// <summary>How a stream arrives: what each read brings, and how the pipe lays it into segments.</summary>
/// <param name="How">For the message of a failed assertion.</param>
/// <param name="Reads">Where each read but the last ends: ascending positions in the stream.</param>
/// <param name="Cuts">Where the segments but the last end: ascending positions in the stream.</param>
/// <param name="InArray">Whether it lies in one array, without segments, as a transport of our own has it.</param>
internal sealed record MessageReaderDelivery(string How, int[] Reads, int[] Cuts, bool InArray = false)
{
    public static readonly MessageReaderDelivery Whole = new("whole", [], []);

    public static MessageReaderDelivery ByteByByte(int length) => new("byte by byte", Each(length), []);

    /// <summary>Whole; in two segments and in two reads, split at every byte; byte by byte in every sense.</summary>
    public static IEnumerable<MessageReaderDelivery> EveryWay(int length)
    {
        yield return Whole;
        for (int at = 0; at <= length; at++)
        {
            yield return new($"one read, segments cut at {at}", [], [at]);
            yield return new($"two reads cut at {at}, one segment", [at], []);
            yield return new($"two reads cut at {at}, a segment each", [at], [at]);
            yield return new($"two reads cut at {at}, one array", [at], [], InArray: true);
        }

        yield return ByteByByte(length);
        yield return new("one read, a segment per byte", [], Each(length));
        yield return new("byte by byte, a segment each", Each(length), Each(length));
        yield return new("byte by byte, one array", Each(length), [], InArray: true);
    }

    public static MessageReaderDelivery Random(Random random, int length)
    {
        int[] reads = Positions(random, length);
        int[] cuts = random.Next(4) switch { 0 or 3 => [], 1 => reads, _ => Positions(random, length) };
        bool inArray = cuts.Length == 0 && random.Next(2) == 0;
        return new($"reads to {string.Join(",", reads)}, segments to {string.Join(",", cuts)}{(inArray ? ", one array" : "")}", reads,
            cuts, inArray);
    }

    private static int[] Each(int length) => [.. Enumerable.Range(1, Math.Max(0, length - 1))];

    // Few pieces, or many small ones: bugs hide at both ends.
    private static int[] Positions(Random random, int length)
    {
        if (random.Next(2) == 0)
        {
            int[] few = new int[random.Next(5)];
            foreach (ref int position in few.AsSpan())
            {
                position = random.Next(length + 1);
            }

            Array.Sort(few);
            return few;
        }

        int most = 1 << random.Next(3, 14);
        List<int> many = [];
        for (int position = random.Next(most); position < length; position += random.Next(1, most))
        {
            many.Add(position);
        }

        return [.. many];
    }
}
