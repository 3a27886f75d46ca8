using Weir.Testing;
using Weir.TestSupport.MessageReading;
using Xunit;

namespace Weir.Core.Tests.Connections;

/// <summary>
/// Damaged streams, always the same ones: no exception, no hang, no memory beyond the limit, none kept afterwards
/// (the driver asserts these), and the same events however the bytes arrive.
/// </summary>
public class MessageReaderMutationTests
{
    private const int StreamsPerCase = 5_000;

    private static readonly MessageReaderSetup[] _setups =
    [
        new(100_000),
        new(100),
        new(100_000, Deflate: MessageReaderSetup.Takeover),
        new(300, Deflate: MessageReaderSetup.NoTakeover),
    ];

    public static TheoryData<int, int> Cases
    {
        get
        {
            TheoryData<int, int> cases = [];
            for (int setup = 0; setup < _setups.Length; setup++)
            {
                for (int seed = 1; seed <= 6; seed++)
                {
                    cases.Add(setup, seed);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public Task Next_MutatedStreams_HaveTheSameResultHoweverTheyArrive(int setup, int seed) =>
        Task.Run(() => Mutate(_setups[setup], seed), TestContext.Current.CancellationToken).Within(TimeSpan.FromMinutes(2));

    private static void Mutate(MessageReaderSetup setup, int seed)
    {
        bool? takeover = setup.Deflate is { } deflate ? !deflate.ClientNoContextTakeover : null;
        Random random = new(seed);
        MessageReaderMutator mutator = new(random, MessageReaderCorpus.Create((uint)seed, takeover, 100));
        using MessageReaderPools pools = new();
        int faults = 0;
        int messages = 0;
        for (int i = 0; i < StreamsPerCase; i++)
        {
            byte[] stream = mutator.Next();
            MessageReaderDelivery delivery = i % 50 == 0
                ? MessageReaderDelivery.ByteByByte(stream.Length)
                : MessageReaderDelivery.Random(random, stream.Length);
            MessageReaderTranscript whole = MessageReaderDifferential.Compare(setup, pools, stream, delivery);
            faults += whole.HasFault ? 1 : 0;
            messages += whole.Events.Count;
        }

        // If all were refused at the first frame, or none at all, little would have been tested.
        Assert.InRange(faults, StreamsPerCase / 4, StreamsPerCase * 9 / 10);
        Assert.InRange(messages, StreamsPerCase * 2, int.MaxValue);
    }
}
