using Weir.TestSupport.MessageReading;

namespace Weir.Fuzz;

/// <summary>
/// One input of the fuzzer: a byte that chooses the reader's setup, a byte that chooses how the stream is cut, and the
/// stream. So the fuzzer can try both for any stream, and a finding is one file.
/// </summary>
internal sealed class FuzzInput(byte setup, byte cut, byte[] stream)
{
    private const int PrefixBytes = 2;

    private static readonly MessageReaderSetup[] _setups =
    [
        new(100_000),
        new(100),
        new(100_000, Deflate: MessageReaderSetup.Takeover),
        new(300, Deflate: MessageReaderSetup.NoTakeover),
    ];

    public static FuzzInput Parse(byte[] bytes) =>
        bytes.Length < PrefixBytes ? new FuzzInput(0, 0, []) : new FuzzInput(bytes[0], bytes[1], bytes[PrefixBytes..]);

    /// <summary>Valid streams for each setup, small enough to be mutated quickly.</summary>
    public static IEnumerable<FuzzInput> Seeds()
    {
        for (byte setup = 0; setup < _setups.Length; setup++)
        {
            bool? takeover = _setups[setup].Deflate is { } deflate ? !deflate.ClientNoContextTakeover : null;
            byte cut = 0;
            foreach (MessageReaderStream stream in MessageReaderCorpus.Create(seed: setup, takeover, count: 12))
            {
                yield return new FuzzInput(setup, cut++, stream.ToArray());
            }
        }
    }

    public byte[] ToBytes() => [setup, cut, .. stream];

    /// <exception cref="MessageReaderMisbehaviorException">A finding.</exception>
    public MessageReaderTranscript Play(MessageReaderPools pools)
    {
        MessageReaderDelivery delivery = cut == byte.MaxValue
            ? MessageReaderDelivery.ByteByByte(stream.Length)
            : MessageReaderDelivery.Random(new Random(cut), stream.Length);
        return MessageReaderDifferential.Compare(_setups[setup % _setups.Length], pools, stream, delivery);
    }
}
