using CsCheck;

namespace Weir.TestSupport.MessageReading;

/// <summary>Valid streams to be mutated, always the same for a seed.</summary>
internal static class MessageReaderCorpus
{
    public static MessageReaderStream[] Create(uint seed, bool? takeover, int count)
    {
        PCG random = new(seed, 6455);
        return [.. Enumerable.Range(0, count).Select(_ => Send(MessageReaderGen.SmallPlans.Generate(random, null, out Size _), takeover))];
    }

    private static MessageReaderStream Send(MessageReaderPlan[] plans, bool? takeover)
    {
        MessageReaderStream stream = new();
        using MessageReaderCompressor? compressor = takeover is { } keep ? new MessageReaderCompressor(keep) : null;
        foreach (MessageReaderPlan plan in plans)
        {
            stream.Message(plan, compressor);
        }

        if (plans.Length % 2 == 0)
        {
            stream.Close(1000 + plans.Length, "bye");
        }

        return stream;
    }
}
